package kernel

import (
	"slices"
	"time"

	"netsonde"
)

// outageKept is how long an outage is told of after its end: longer than probes
// are waited for.
const outageKept = time.Minute

// noticeDelay is how late Linux tells of a carrier at most, which has a look taken
// at once: no outage began longer than that before the look that found it.
const noticeDelay = time.Second

// outages follows the carriers of interfaces from look to look.
type outages struct {
	before *netsonde.Drops
	known  []netsonde.Outage
}

// observe compares a look with the one before it and tells the looks' outages.
// A carrier that was lost and had come back between two looks was missing at
// some time from the one to the other. A carrier that is missing at the first
// look has been missing for ever.
func (o *outages) observe(d *netsonde.Drops) []netsonde.Outage {
	for i := range d.Interfaces {
		o.follow(&d.Interfaces[i], d)
	}
	kept := o.known[:0]
	for _, outage := range o.known {
		is := d.Interface(outage.Interface)
		if outage.To == 0 && (is == nil || !is.Up) {
			outage.To = d.Ended // from here on it is no carrier that is missing
		}
		if outage.To == 0 || d.Ended-outage.To < outageKept {
			kept = append(kept, outage)
		}
	}
	o.known, o.before = kept, d
	return slices.Clone(o.known)
}

func (o *outages) follow(is *netsonde.InterfaceDrops, d *netsonde.Drops) {
	from := time.Duration(-1)
	changes := uint64(0)
	var was *netsonde.InterfaceDrops
	if o.before != nil {
		// It was there when the look before began, or the counter would tell.
		from = max(o.before.Began, d.Began-noticeDelay)
		if was = o.before.Interface(is.Index); was != nil {
			changes = is.CarrierChanges - was.CarrierChanges
		}
	}
	open := slices.IndexFunc(o.known, func(outage netsonde.Outage) bool {
		return outage.Interface == is.Index && outage.To == 0
	})
	if !is.Up {
		// While it was being set down it took nothing more.
		if was != nil && was.Up && was.Carrier {
			o.known = append(o.known, netsonde.Outage{Interface: is.Index, From: from, First: d.Ended, Last: from, To: d.Ended})
		}
		return
	}
	begin := func() {
		o.known = append(o.known, netsonde.Outage{Interface: is.Index, From: from, First: d.Ended, Last: d.Began})
	}
	switch {
	case !is.Carrier && open < 0:
		begin()
		if from < 0 {
			o.known[len(o.known)-1].First = from
		}
	case !is.Carrier && changes > 0: // it had come back meanwhile
		o.known[open].To = d.Ended
		begin()
	case !is.Carrier:
		o.known[open].Last = d.Began
	case open >= 0:
		o.known[open].To = d.Ended
	case was != nil && was.Up && was.Carrier && changes > 0:
		o.known = append(o.known, netsonde.Outage{Interface: is.Index, From: from, First: d.Ended, Last: from, To: d.Ended})
	}
}
