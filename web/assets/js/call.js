// The call page of both parties: media, signalling (rtc/PROTOCOL.md), controls, real-time text, reconnection.
// No framework, no imports, nothing inline. Hooks in the page:
// <body data-call data-role="person|operator" data-url="/rtc" data-ticket data-after data-other data-zone
//       data-class-page data-class-call>; the script writes data-state and data-peer-state.
// data-state: ready, joining, waiting, call, left, closed, failed.  data-peer-state: absent, waiting, joined, away.
// data-when="STATE …", data-peer="STATE …"   shown in these states only
// data-banner="reconnecting|audio-only|sound|silent|devices|error"
// data-do="join|mic|video|text|leave|retry|sound|devices|video-on"; data-word-on, data-word-off: word for the button's <small>
// <video data-remote>, <video data-local>, data-stage, data-voice, data-voice-text, data-frozen, data-self
// <svg data-level>, <svg data-level="remote">, data-clock, data-clock-from, data-net, data-net="other", data-error, data-live
// data-countdown, data-countdown-text, data-rtt, data-rtt-list, data-rtt-input
// <form data-stay>, <form data-stay="change">  sent without leaving;  data-refresh="URL" data-every="10"  fragments
// <div hidden data-words data-KEY="sentence with {name} {n} {of} {time}">
(() => {
  "use strict";
  const root = document.querySelector("[data-call]");
  if (!root) return;
  const $ = (s) => root.querySelector(s);
  const words = $("[data-words]"); // its attributes are sentences, some named like hooks
  const all = (s) => [...root.querySelectorAll(s)].filter((e) => e !== words);
  const operator = root.dataset.role === "operator";
  const self = operator ? "operator" : "person";
  const other = operator ? "person" : "operator";
  const name = root.dataset.other || "";
  const remote = $("[data-remote]"), local = $("[data-local]"), stage = $("[data-stage]");
  const rtt = $("[data-rtt]"), list = $("[data-rtt-list]"), input = $("[data-rtt-input]");
  let ticket = root.dataset.ticket, seat = "";
  let ws = null, pc = null, senders = {}, stream = new MediaStream();
  let joined = false, active = false, generation = 0; // of pc, so that what comes late finds nobody
  let since = 0, skew = 0;                            // milliseconds: start of the call, server clock minus ours
  const on = { audio: true, video: true }, chosen = { audio: true, video: true }; // chosen: what the party itself wants on
  let autoOff = false, neverAuto = false;
  // ---- words, states, banners -------------------------------------------------------------------------------------
  function word(key, vars = {}) {
    const k = key.replace(/-([a-z])/g, (_, c) => c.toUpperCase());
    const text = (words && words.dataset[k]) || "";
    return text.replace(/\{(\w+)\}/g, (_, v) => (v in vars ? vars[v] : v === "name" ? name : ""));
  }
  function put(selector, text) { for (const e of all(selector)) if (e.textContent !== text) e.textContent = text; }
  function say(key) {
    const text = word("say-" + key), live = $("[data-live]");
    if (!live || !text) return;
    live.textContent = "";
    setTimeout(() => { live.textContent = text; }, 50); // an unchanged region is not read again
  }
  const state = () => root.dataset.state;
  function show(attribute, now) {
    for (const e of all(`[data-${attribute}]`)) e.hidden = !e.dataset[attribute].split(" ").includes(now);
  }
  function setState(s) {
    if (s === state()) return;
    root.dataset.state = s;
    const css = ["ready", "joining", "waiting"].includes(s) ? root.dataset.classPage : root.dataset.classCall;
    if (css) root.className = css;
    show("when", s);
    if (s === "call" || s === "waiting") { say(s === "call" ? "in-call" : s); refresh(); }
  }
  function setPeer(s) {
    if (s === root.dataset.peerState) return;
    root.dataset.peerState = s;
    show("peer", s);
    freeze();
  }
  function banner(which, visible) { for (const e of all(`[data-banner="${which}"]`)) e.hidden = !visible; }
  function clockTime(ms, seconds) {
    const o = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: root.dataset.zone || undefined };
    if (seconds) o.second = "2-digit";
    return new Intl.DateTimeFormat(document.documentElement.lang || "it", o).format(new Date(ms));
  }
  function fail(code) {
    stop();
    put("[data-error]", word("error-" + code) || word("error-internal"));
    banner("error", true);
    setState("failed");
  }
  // ---- own devices ------------------------------------------------------------------------------------------------
  const wish = {
    audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
    video: { facingMode: "user", width: { ideal: 640 }, height: { ideal: 360 }, frameRate: { max: 25 } },
  };
  async function acquire() {
    const want = (kinds) => navigator.mediaDevices.getUserMedia(Object.fromEntries(kinds.map((k) => [k, wish[k]])));
    let got = null; // what the party switched off stays off: finding a microphone again must not open the camera
    for (const kinds of [["audio", "video"], ["audio"], ["video"]]) got = got || await want(kinds.filter((k) => chosen[k])).catch(() => null);
    for (const t of stream.getTracks()) { t.onended = null; t.stop(); stream.removeTrack(t); }
    for (const t of got ? got.getTracks() : []) keep(t);
    banner("devices", chosen.audio && !track("audio"));
    on.audio = !!track("audio");
    on.video = !!track("video");
    if (local) { local.srcObject = stream; local.play().catch(() => {}); }
    listen();
    buttons();
  }
  const track = (kind) => stream.getTracks().find((t) => t.kind === kind && t.readyState === "live") || null;
  function keep(t) {
    stream.addTrack(t);
    t.onended = () => banner("devices", true); // a phone call takes the microphone, another program the camera
  }
  // An off microphone or camera sends nothing at all: what the record counts as seen was meant to be seen.
  async function turn(kind, want) {
    if (want && !track(kind)) {
      try { for (const t of (await navigator.mediaDevices.getUserMedia({ [kind]: wish[kind] })).getTracks()) keep(t); }
      catch { banner("devices", true); return; }
      if (kind === "audio") listen();
    }
    on[kind] = chosen[kind] = want;
    const t = track(kind);
    if (t && kind === "audio") t.enabled = want;
    if (senders[kind]) await senders[kind].replaceTrack(want ? t : null).catch(() => {});
    if (!want && kind === "video" && t) { t.onended = null; t.stop(); stream.removeTrack(t); }
    send({ type: "mute", what: kind, on: want });
    if (want && kind === "video") {
      autoOff = false;
      banner("audio-only", false);
      if (local) local.play().catch(() => {});
    }
    buttons();
  }
  function buttons() {
    for (const [what, kind] of [["mic", "audio"], ["video", "video"]]) {
      for (const b of all(`[data-do="${what}"]`)) toggle(b, "aria-pressed", on[kind]);
    }
    for (const e of all("[data-self]")) e.hidden = !on.video;
  }
  function toggle(b, attribute, value) {
    b.setAttribute(attribute, String(value));
    for (const small of b.querySelectorAll("small")) small.textContent = (value ? b.dataset.wordOn : b.dataset.wordOff) || "";
  }
  // ---- level of the voice: from samples, never from permissions -------------------------------------------------------
  let audioContext = null, analyser = null, quiet = 0;
  function listen() {
    const t = track("audio");
    if (!t || !window.AudioContext) return;
    audioContext = audioContext || new AudioContext();
    audioContext.resume().catch(() => {});
    analyser = audioContext.createAnalyser();
    analyser.fftSize = 512;
    audioContext.createMediaStreamSource(new MediaStream([t])).connect(analyser);
  }
  function draw(svg, rms) {
    const bars = svg.querySelectorAll("rect");
    const n = rms > 0.001 ? Math.min(bars.length, Math.max(1, Math.round((20 * Math.log10(rms) + 60) / 60 * bars.length))) : 0;
    bars.forEach((r, i) => r.classList.toggle("on", i < n));
    svg.setAttribute("aria-label", word("level", { n, of: bars.length }));
  }
  function levels() {
    let rms = 0, sampled = false;
    if (analyser && on.audio && track("audio")) {
      const buf = new Float32Array(analyser.fftSize);
      analyser.getFloatTimeDomainData(buf);
      rms = Math.sqrt(buf.reduce((a, x) => a + x * x, 0) / buf.length);
      sampled = audioContext.state === "running";
    }
    for (const e of all('[data-level=""]')) draw(e, rms);
    quiet = sampled && rms < 1e-6 ? quiet + 1 : 0; // not a low voice: no samples at all
    if (quiet === 100) say("silent");
    banner("silent", quiet >= 100);
    const receiver = pc && pc.getReceivers().find((r) => r.track.kind === "audio");
    const heard = receiver?.getSynchronizationSources?.()[0]?.audioLevel || 0;
    for (const e of all('[data-level="remote"]')) draw(e, heard);
    put("[data-voice-text]", word(heard > 0.02 ? "voice-speaking" : "voice-listening"));
  }
  // ---- media ------------------------------------------------------------------------------------------------------
  async function connect() {
    const mine = ++generation;
    if (pc) pc.close();
    pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    const add = (kind, init) => {
      const t = on[kind] ? track(kind) : null;
      senders[kind] = pc.addTransceiver(t || kind, { direction: "sendrecv", streams: [stream], ...init }).sender;
    };
    add("audio", {});
    add("video", { sendEncodings: [{ maxBitrate: 900000 }] });
    const received = new MediaStream();
    pc.ontrack = (e) => {
      received.addTrack(e.track);
      if (remote && remote.srcObject !== received) remote.srcObject = received;
      play();
    };
    pc.onconnectionstatechange = () => { if (mine === generation) health(); };
    await pc.setLocalDescription(await pc.createOffer());
    return pc.localDescription.sdp;
  }
  async function answer(sdp) { if (pc) await pc.setRemoteDescription({ type: "answer", sdp }); }
  function play() {
    if (!remote) return;
    remote.play().then(() => banner("sound", false), (e) => { if (e.name === "NotAllowedError") banner("sound", true); });
  }
  function freeze() {
    const lost = state() === "call" && (trouble || root.dataset.peerState === "away");
    if (stage) stage.classList.toggle("is-frozen", lost);
    for (const e of all("[data-frozen]")) {
      if (lost && e.hidden) e.textContent = word("frozen", { time: clockTime(Date.now() + skew, true) });
      e.hidden = !lost;
    }
  }
  // ---- signalling -------------------------------------------------------------------------------------------------
  function send(m) { if (ws && ws.readyState === WebSocket.OPEN && joined) ws.send(JSON.stringify(m)); }
  async function open(fresh) {
    const offer = fresh || !seat ? await connect() : "";
    if (!active) return;
    if (ws) ws.onclose = ws.onmessage = null, ws.close();
    const url = new URL(root.dataset.url || "/rtc", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const mine = ws = new WebSocket(url);
    joined = false;
    opened = Date.now();
    mine.onopen = () => mine.send(JSON.stringify(offer ? { type: "join", ticket, offer } : { type: "join", ticket, seat }));
    mine.onmessage = (e) => { const m = JSON.parse(e.data), f = events[m.type]; if (f) f(m); };
    mine.onclose = () => { if (mine === ws) { joined = false; health(); } };
  }
  const events = {
    joined(m) {
      joined = true;
      ({ seat, ticket } = m);
      skew = Date.parse(m.now) - Date.now();
      if (m.since) since = Date.parse(m.since);
      if (m.answer) answer(m.answer).catch(() => retry(true));
      for (const kind of ["audio", "video"]) if (m.answer && !on[kind]) send({ type: "mute", what: kind, on: false });
      for (const o of m.others) if (o.party === other) { setPeer(o.state === "in-call" ? "joined" : o.state); picture(o.video); }
      enter(m.state === "in-call");
      health();
    },
    restarted(m) { answer(m.answer).catch(() => {}); },
    pong(m) { ticket = m.ticket || ticket; }, // a call may last longer than a ticket
    admitted(m) {
      if (m.since) since = Date.parse(m.since);
      if (m.party === other) setPeer("joined");
      if (m.party === self || operator) enter(true);
    },
    "peer-joined"(m) {
      say(m.reconnect ? "back" : "joined");
      setPeer(m.state === "in-call" ? "joined" : m.state);
      picture(m.video);
    },
    "peer-left"(m) {
      setPeer(m.reason === "lost" ? "away" : "absent");
      say(m.reason === "lost" ? "away" : "left");
    },
    "peer-muted"(m) {
      say(m.what === "audio" ? (m.on ? "unmuted" : "muted") : (m.on ? "camera-on" : "camera-off"));
      if (m.what === "video") picture(m.on);
    },
    network(m) { heardNet[m.party] = m.network; showNet(); },
    text(m) { typed(m.text, m.done); },
    closed() { finished(); },
    error(m) {
      if (m.code === "gone") retry(true);
      else if (m.code === "closed") finished();
      else if (m.code === "waiting" || m.code === "message" && joined) return;
      else if (!["rate", "internal", "message", "offer"].includes(m.code) || attempts > 4) fail(m.code);
      // otherwise the socket closes, and we come back
    },
  };
  // The operator's page waits too, until both are in the call.
  function enter(inCall) { setState(inCall && (!operator || since) ? "call" : "waiting"); freeze(); }
  function finished() {
    stop();
    setState("closed");
    if (root.dataset.after) setTimeout(() => location.assign(root.dataset.after), 1200);
  }
  // ---- reconnection -----------------------------------------------------------------------------------------------
  let trouble = false, attempts = 0, timer = 0, nextAt = 0, watch = 0, opened = 0;
  const flowing = () => pc && pc.connectionState === "connected";
  function health() {
    if (!active) return;
    if (joined && flowing()) {
      clearTimeout(timer);
      clearTimeout(watch);
      timer = watch = attempts = 0;
      if (trouble) { trouble = false; say("reconnected"); banner("reconnecting", false); freeze(); play(); showNet(); }
      return;
    }
    // A socket that drops while the voice goes on is our own affair; what the person hears or misses is not.
    const broken = pc && ["disconnected", "failed"].includes(pc.connectionState);
    if ((broken || attempts > 2) && !trouble) {
      trouble = true;
      say("reconnecting");
      banner("reconnecting", true);
      freeze();
      showNet();
    }
    if (!timer && (broken || !ws || ws.readyState > WebSocket.OPEN)) plan();
    // Media that does not come up is tried again with a connection of its own.
    if (!watch && joined && !flowing()) watch = setTimeout(() => { watch = 0; if (active && !flowing()) retry(true); }, 15000);
  }
  function plan() {
    const wait = attempts === 0 ? 500 : Math.min(8000, 1000 * 2 ** (attempts - 1));
    nextAt = Date.now() + wait;
    timer = setTimeout(() => retry(false), wait);
    countdown();
  }
  function retry(fresh) {
    clearTimeout(timer);
    timer = 0;
    if (!active) return;
    attempts++;
    put("[data-countdown-text]", word("retrying"));
    const opening = ws && ws.readyState <= WebSocket.OPEN && !joined && Date.now() - opened < 10000;
    if (fresh || !joined && !opening) open(fresh || !pc || attempts > 6).catch(() => {});
    else if (joined && !flowing()) restart().catch(() => {});
    plan(); // whether it helped, health() will say
  }
  async function restart() {
    await pc.setLocalDescription(await pc.createOffer({ iceRestart: true }));
    send({ type: "restart", offer: pc.localDescription.sdp });
  }
  function countdown() {
    if (!trouble || !timer) return;
    const n = Math.max(0, Math.ceil((nextAt - Date.now()) / 1000));
    put("[data-countdown]", String(n));
    put("[data-countdown-text]", n ? word("retry", { n }) : word("retrying"));
  }
  // ---- network in words, picture or voice only ---------------------------------------------------------------------
  const scale = ["good", "weak", "very-weak", "none"];
  const heardNet = {};
  let ownNet = "good", last = null, poor = 0, frames = -1, still = 0, pictureOn = true;
  function showNet() {
    const up = heardNet[self] === "none" ? 0 : scale.indexOf(heardNet[self]); // what the service hears of us
    put('[data-net=""]', word("net-" + (trouble ? "none" : scale[Math.max(scale.indexOf(ownNet), up)])));
    if (heardNet[other]) put('[data-net="other"]', word("net-" + heardNet[other]));
  }
  async function measure() {
    if (!flowing()) return;
    const now = { lost: 0, got: 0, rtt: 0, frames: 0 };
    for (const s of (await pc.getStats()).values()) {
      if (s.type === "inbound-rtp") {
        now.lost += s.packetsLost || 0;
        now.got += s.packetsReceived || 0;
        now.frames += s.framesDecoded || 0;
      }
      if (s.type === "candidate-pair" && s.nominated) now.rtt = Math.max(now.rtt, s.currentRoundTripTime || 0);
    }
    if (last && now.got >= last.got) {
      const lost = Math.max(0, now.lost - last.lost), loss = lost / Math.max(1, lost + now.got - last.got);
      ownNet = loss > 0.1 || now.rtt > 0.8 ? "very-weak" : loss > 0.03 || now.rtt > 0.3 ? "weak" : "good";
      still = now.frames !== frames ? 0 : still + 1;
      poor = ownNet === "very-weak" || heardNet[self] === "very-weak" ? poor + 1 : 0;
    }
    [frames, last] = [now.frames, now];
    showNet();
    voiceOnly();
    if (poor >= 4 && on.video && !neverAuto) {
      autoOff = true;
      banner("audio-only", true);
      say("audio-only");
      turn("video", false);
    }
  }
  function picture(visible) { pictureOn = visible; still = 0; voiceOnly(); }
  function voiceOnly() {
    const without = !pictureOn || (still >= 2 && root.dataset.peerState === "joined" && !trouble);
    if (stage) stage.classList.toggle("is-audio", without);
    for (const e of all("[data-voice]")) e.hidden = !without || state() !== "call";
  }
  // ---- real-time text ---------------------------------------------------------------------------------------------
  let theirs = null, sent = 0, late = 0;
  function panel(visible) {
    if (rtt) rtt.hidden = !visible;
    for (const b of all('[data-do="text"]')) toggle(b, "aria-expanded", visible);
  }
  function line(party, who, text) {
    const li = document.createElement("li"), b = document.createElement("b");
    li.className = party === "operator" ? "is-op" : "is-pe";
    b.textContent = who;
    li.append(b, document.createTextNode(text));
    return li;
  }
  function typed(text, done) {
    if (!list) return;
    if (rtt && rtt.hidden) { panel(true); say("text"); }
    const li = line(other, done ? `${name} · ${clockTime(Date.now() + skew)}` : word("typing"), text);
    if (!done) {
      li.classList.add("is-typing");
      const caret = document.createElement("span");
      caret.className = "cf-caret";
      li.append(caret);
    }
    if (theirs) theirs.replaceWith(li);
    else list.append(li);
    theirs = done || !text ? null : li;
    if (!text) li.remove();
    else li.scrollIntoView({ block: "nearest" });
  }
  function type(done) {
    const text = input.value;
    clearTimeout(late);
    if (done && text) {
      send({ type: "text", text, done: true });
      list.append(line(self, `${word("you")} · ${clockTime(Date.now() + skew)}`, text));
      list.lastChild.scrollIntoView({ block: "nearest" });
      input.value = "";
    } else if (!done && Date.now() - sent > 100) {
      sent = Date.now();
      send({ type: "text", text });
    } else if (!done) late = setTimeout(() => type(false), 100);
  }
  // ---- forms and fragments ------------------------------------------------------------------------------------------
  async function post(form, submitter) {
    const data = new FormData(form);
    if (submitter && submitter.name) data.append(submitter.name, submitter.value);
    const body = form.enctype === "multipart/form-data" ? data : new URLSearchParams(data);
    try {
      const r = await fetch(form.action, { method: "POST", body, credentials: "same-origin" });
      banner("error", !r.ok);
      if (!r.ok) put("[data-error]", word("error-internal"));
      refresh();
    } catch { banner("error", true); put("[data-error]", word("error-network")); }
  }
  const fetched = new Map();
  async function refresh(e) {
    for (const f of e ? [e] : all("[data-refresh]")) {
      fetched.set(f, Date.now());
      const r = await fetch(f.dataset.refresh, { credentials: "same-origin" }).catch(() => null);
      if (r && r.ok && !r.redirected) f.innerHTML = await r.text(); // our own page's fragment; the policy forbids scripts in it
    }
  }
  // ---- the page -----------------------------------------------------------------------------------------------------
  async function join() {
    if (active) return;
    if (!window.RTCPeerConnection || !navigator.mediaDevices) { fail("unsupported"); return; }
    active = true;
    banner("error", false);
    setState("joining");
    if (remote) remote.play().catch(() => {}); // inside the tap: from now on it may sound
    wake();
    await acquire();
    attempts = 0;
    open(true).catch(() => fail("internal"));
  }
  function stop() {
    active = joined = trouble = false;
    generation++;
    clearTimeout(timer);
    clearTimeout(watch);
    timer = watch = 0;
    for (const b of ["reconnecting", "audio-only", "sound", "silent", "devices"]) banner(b, false);
    for (const t of stream.getTracks()) { t.onended = null; t.stop(); stream.removeTrack(t); }
    if (ws) { ws.onclose = ws.onmessage = null; ws.close(); ws = null; }
    if (pc) { pc.close(); pc = null; }
    analyser = null;
    seat = "";
    if (lock) { lock.release().catch(() => {}); lock = null; }
  }
  let lock = null;
  async function wake() {
    if (!active || !navigator.wakeLock || document.visibilityState !== "visible") return;
    try { lock = await navigator.wakeLock.request("screen"); } catch { /* a low battery refuses it */ }
  }
  const actions = {
    join, sound: play, devices: async () => {
      await acquire();
      for (const kind of ["audio", "video"]) {
        if (senders[kind]) await senders[kind].replaceTrack(track(kind)).catch(() => {});
        send({ type: "mute", what: kind, on: on[kind] });
      }
    },
    mic: () => turn("audio", !on.audio), video: () => { neverAuto = neverAuto || autoOff; turn("video", !on.video); },
    "video-on": () => { neverAuto = true; turn("video", true); },
    text: () => { panel(rtt && rtt.hidden); if (rtt && !rtt.hidden && input) input.focus(); },
    leave: () => { send({ type: "leave" }); stop(); setState("left"); }, retry: () => retry(false),
  };
  root.addEventListener("click", (e) => {
    const b = e.target.closest && e.target.closest("[data-do]");
    if (b && actions[b.dataset.do]) actions[b.dataset.do]();
  });
  root.addEventListener("submit", (e) => {
    if (input && e.target.contains(input)) { e.preventDefault(); type(true); }
    else if (e.target.matches("[data-stay]")) { e.preventDefault(); post(e.target, e.submitter); }
  });
  root.addEventListener("change", (e) => {
    const f = e.target.form;
    if (f && f.dataset.stay === "change") post(f);
  });
  if (input) input.addEventListener("input", () => type(false));
  addEventListener("online", () => { if (active && !(joined && flowing())) retry(false); });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "visible" || !active) return;
    wake();
    play();
    health();
  });
  setInterval(levels, 100);
  setInterval(measure, 2000);
  setInterval(() => {
    countdown();
    if (state() === "call" && since) {
      const s = Math.max(0, Math.floor((Date.now() + skew - since) / 1000)), two = (n) => String(n).padStart(2, "0");
      put("[data-clock]", `${two(Math.floor(s / 3600))}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`);
      put("[data-clock-from]", word("from", { time: clockTime(since) }));
    }
    if (state() === "call" || state() === "waiting") {
      if (joined && Date.now() % 10000 < 1000) send({ type: "ping" });
      for (const f of all("[data-refresh]")) if (Date.now() - (fetched.get(f) || 0) > 1000 * (f.dataset.every || 10)) refresh(f);
    }
  }, 1000);
  panel(false);
  setPeer("absent");
  setState("ready");
})();
