package journal

import "time"

// MoveClock makes the wall clock seem to jump by d: the monotonic distance to the start no longer agrees with it.
func (j *Journal) MoveClock(d time.Duration) { j.start = j.start.Add(d) }
