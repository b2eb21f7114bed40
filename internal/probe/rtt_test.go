package probe

import (
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/packet"
)

func TestRoundTripIsOfOneClock(t *testing.T) {
	const (
		us   = time.Microsecond
		hour = int64(time.Hour)
	)
	// Sent at 0; a reading is real and monotonic alike unless told otherwise.
	at := func(d time.Duration) netsonde.Instant {
		return netsonde.Instant{Monotonic: 5*time.Second + d, Real: hour + int64(d)}
	}
	stamp := func(d time.Duration) int64 { return hour + int64(d) }
	stepped := func(d time.Duration, step int64) netsonde.Instant {
		i := at(d)
		i.Real += step
		return i
	}
	for _, c := range []struct {
		name   string
		reply  packet.Reply
		want   time.Duration
		stamps netsonde.Stamps
	}{
		{"no stamps", packet.Reply{Read: at(90 * us)}, 90 * us, netsonde.StampsUser},
		{"arrival", packet.Reply{Stamp: stamp(80 * us), Read: at(90 * us)}, 80 * us, netsonde.StampsKernelReceive},
		{"both", packet.Reply{Left: stamp(30 * us), Stamp: stamp(80 * us), Read: at(90 * us)}, 50 * us, netsonde.StampsKernel},
		{"left at once", packet.Reply{Left: stamp(0), Stamp: stamp(80 * us), Read: at(90 * us)}, 80 * us, netsonde.StampsKernel},
		{"at one moment", packet.Reply{Left: stamp(80 * us), Stamp: stamp(80 * us), Read: at(90 * us)}, 0, netsonde.StampsKernel},
		{"leaving alone", packet.Reply{Left: stamp(30 * us), Read: at(90 * us)}, 90 * us, netsonde.StampsUser},
		{"of an earlier probe", packet.Reply{Left: stamp(-1), Stamp: stamp(80 * us), Read: at(90 * us)}, 80 * us, netsonde.StampsKernelReceive},
		{"left after the answer", packet.Reply{Left: stamp(81 * us), Stamp: stamp(80 * us), Read: at(90 * us)}, 80 * us, netsonde.StampsKernelReceive},
		{"kept waiting for a neighbour", packet.Reply{Left: stamp(time.Second), Stamp: stamp(time.Second + 50*us), Read: at(time.Second + 60*us)}, 50 * us, netsonde.StampsKernel},
		{"clock set forward before it left", packet.Reply{
			Left: stamp(30*us) + hour, Stamp: stamp(80*us) + hour, Read: stepped(90*us, hour),
		}, 90 * us, netsonde.StampsUser},
		{"clock set forward on the way", packet.Reply{
			Left: stamp(30 * us), Stamp: stamp(80*us) + hour, Read: stepped(90*us, hour),
		}, 90 * us, netsonde.StampsUser},
		{"clock set back on the way", packet.Reply{
			Left: stamp(30 * us), Stamp: stamp(80*us) - hour, Read: stepped(90*us, -hour),
		}, 90 * us, netsonde.StampsUser},
		{"clock set back by little", packet.Reply{
			Left: stamp(30 * us), Stamp: stamp(80*us) - int64(5*time.Millisecond), Read: stepped(90*us, -int64(5*time.Millisecond)),
		}, 90 * us, netsonde.StampsUser},
		{"clock set back by half of a long way", packet.Reply{
			Left: stamp(30 * us), Stamp: stamp(50 * time.Millisecond), Read: stepped(100*time.Millisecond+90*us, -int64(50*time.Millisecond)),
		}, 100*time.Millisecond + 90*us, netsonde.StampsUser},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, stamps := roundTrip(at(0), &c.reply)
			if got != c.want || stamps != c.stamps {
				t.Errorf("got %v by %v, want %v by %v", got, stamps, c.want, c.stamps)
			}
		})
	}
}
