package topology

import (
	"math"
	"time"
)

// inclination of the rings against the equator, as large constellations have it.
const inclination = 53 * math.Pi / 180

// stationLatitude is where stations are, north and south by turns.
const stationLatitude = 35 * math.Pi / 180

// inView is how many satellites a station sees at a time on average. It sets
// how far they can be seen, so that small constellations have contacts too.
const inView = 2.0

// constellation is a model of satellites: circular orbits around an Earth that
// does not turn. It is right about what labs need, that contacts follow each
// other with overlaps and gaps and come again.
type constellation struct {
	rings, nodes, stations int
	period                 time.Duration
}

// Window is a time in which a contact is there, from From and shorter than To,
// as times within the period. One that passes the period's end has To behind it.
type Window struct {
	From time.Duration `json:"from"`
	To   time.Duration `json:"to"`
}

// Open reports whether the window is open at a time since the start.
func (w Window) Open(at, period time.Duration) bool {
	if period <= 0 {
		return true
	}
	at %= period
	return w.From <= at && at < w.To || at+period < w.To
}

type vector [3]float64

func (v vector) times(w vector) float64 { return v[0]*w[0] + v[1]*w[1] + v[2]*w[2] }

// contacts returns when a station sees a satellite, nil if never. Satellites
// are numbered ring by ring.
func (c constellation) contacts(station, satellite int) []Window {
	longitude := 2 * math.Pi * float64(station) / float64(c.stations)
	latitude := stationLatitude
	if station%2 == 1 {
		latitude = -latitude
	}
	place := vector{math.Cos(latitude) * math.Cos(longitude), math.Cos(latitude) * math.Sin(longitude), math.Sin(latitude)}

	node := 2 * math.Pi * float64(satellite/c.nodes) / float64(c.rings)
	phase := 2 * math.Pi * float64(satellite%c.nodes) / float64(c.nodes)
	// A satellite is at rise·cos(u) + crest·sin(u) at the argument u.
	rise := vector{math.Cos(node), math.Sin(node), 0}
	crest := vector{-math.Sin(node) * math.Cos(inclination), math.Cos(node) * math.Cos(inclination), math.Sin(inclination)}
	x, y := place.times(rise), place.times(crest)

	// The share of a sphere within an angle is (1 − cos) / 2.
	horizon := math.Max(0, 1-2*inView/float64(c.rings*c.nodes))
	closest := math.Hypot(x, y)
	if closest <= horizon {
		return nil
	}
	half := math.Acos(horizon / closest)
	from := math.Mod(math.Atan2(y, x)-half-phase+6*math.Pi, 2*math.Pi)
	return []Window{{From: c.time(from), To: c.time(from + 2*half)}}
}

// time is how long a satellite takes for an angle.
func (c constellation) time(angle float64) time.Duration {
	return time.Duration(angle / (2 * math.Pi) * float64(c.period))
}
