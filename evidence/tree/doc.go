// Package tree holds what makes the journal provable: salted commitments, leaf hashes, chains of lines, checkpoints and
// proofs. It performs no I/O and reads no clock.
//
// A commitment is SHA-256(salt‖body) in base64, the salt being 32 random bytes. A line's leaf hash is that of RFC 6962
// section 2.1, SHA-256(0x00‖line). A checkpoint is the text of C2SP tlog-checkpoint, without extension lines, signed as
// a note:
//
//	confermo.example/log
//	42
//	CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
//
//	— confermo.example/log Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
package tree
