package console

import (
	"time"

	"netsonde"
)

// columns are the services of a scan in the order of their columns.
var columns = [...]netsonde.Kind{netsonde.KindHTTP, netsonde.KindHTTPS, netsonde.KindMySQL}

// block is what one round has to tell, before it is given a form.
type block struct {
	round *netsonde.Round
	// pinged and scanned say what the group does, reported or not.
	pinged, scanned bool
	// burst is nil when the engine reported none.
	burst *netsonde.Burst
	// route is nil when there is no trace.
	route *netsonde.Route
	// services stand in the order of columns, nil where none was reported.
	services [len(columns)]*netsonde.Service
}

// empty reports whether there is nothing to print. The blocks of connmonitor 4
// hold one statistic, and an unchanged route is none; those of connmonitor 3
// at least tell that the host was polled.
func (b *block) empty() bool {
	return b.round.Target.Output.Dialect == netsonde.DialectConnmonitor4 &&
		!b.pinged && !b.scanned && len(b.hops()) == 0
}

// append appends the block in the form that its target's output asks for.
func (b *block) append(dst []byte, location *time.Location) []byte {
	if b.round.Target.Output.JSON {
		return b.appendJSON(dst)
	}
	return b.appendText(dst, location)
}

// timed reports whether the block says when its round ended.
func (b *block) timed() bool {
	output := b.round.Target.Output
	return output.Dialect == netsonde.DialectConnmonitor4 && output.Timestamp
}

// hops is the trace that is to be printed, empty if there is no news.
func (b *block) hops() []netsonde.Hop {
	if b.route == nil || !b.route.Changed {
		return nil
	}
	return b.route.Hops
}

// summary is the five numbers of a ping in their order: minimum, average,
// maximum and standard deviation in milliseconds, loss in percent.
func (b *block) summary() [5]float64 {
	var s netsonde.Statistics
	if b.burst != nil {
		s = b.burst.Statistics()
	}
	if s.Answered == 0 {
		return [5]float64{noAnswer, noAnswer, noAnswer, noAnswer, 100}
	}
	// From the counts, for a ratio times 100 is no longer exact: 7 lost of 100
	// would be 7.000000000000001 percent.
	loss := float64(100*(s.Sent-s.Answered)) / float64(s.Sent)
	return [5]float64{
		milliseconds(s.Min), milliseconds(s.Avg), milliseconds(s.Max), milliseconds(s.Std), loss,
	}
}

// present reports whether a service is there. A MySQL server that does not say
// its version refused us before its greeting, or is something else.
func present(s *netsonde.Service) bool {
	if s == nil || s.State != netsonde.ServiceOpen {
		return false
	}
	return s.Kind != netsonde.KindMySQL || s.Version != ""
}

// serverName is the Server header as it is printed.
func serverName(s *netsonde.Service) string {
	if s.Server == "" {
		return "Unknown"
	}
	return s.Server
}
