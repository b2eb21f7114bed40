package kernel

import "time"

// toldAfter is how long all looks have to fail before that is told: one does when
// the process is stopped during it, and some while interfaces are being configured.
const toldAfter = 10 * time.Second

// failures are the looks that failed since the last that did not.
type failures struct {
	any, told bool
	since     time.Duration
}

// note takes note of a look and warns when there has been none for long, and when
// there is one again.
func (f *failures) note(now time.Duration, err error, warn func(string)) {
	switch {
	case err == nil && f.told:
		warn("What this machine drops itself is known again.")
	case err != nil && f.any && !f.told && now-f.since >= toldAfter:
		f.told = true
		warn("What this machine drops itself is not known: " + err.Error())
	}
	if err == nil {
		*f = failures{}
	} else if !f.any {
		f.any, f.since = true, now
	}
}
