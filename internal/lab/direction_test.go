package lab

import (
	"bytes"
	"fmt"
	"math/bits"
	"slices"
	"testing"
	"time"
)

// fates sends numbered packets, one a millisecond, and returns what comes out
// and when.
func fates(seed uint64, e Effects, count int) (numbers []int, times []time.Duration) {
	d := newDirection(-1, -1, seed)
	d.setEffects(e)
	drain := func(until time.Duration) {
		for {
			packet, wait := d.due(until)
			if packet == nil && wait < 0 || wait > 0 {
				return
			}
			numbers = append(numbers, int(packet[0])<<8|int(packet[1]))
			times = append(times, until)
		}
	}
	for i := range count {
		now := time.Duration(i) * time.Millisecond
		drain(now)
		d.take([]byte{byte(i >> 8), byte(i)}, now)
	}
	for i := range 1000 {
		drain(time.Duration(count+i) * time.Millisecond)
	}
	return numbers, times
}

func TestDirectionSameSeedSameFate(t *testing.T) {
	e := Effects{
		Loss: 0.2, Duplicate: 0.1, Reorder: 0.1, ReorderDelay: 7 * time.Millisecond,
		Delay: 3 * time.Millisecond, Jitter: 4 * time.Millisecond,
	}
	one, oneTimes := fates(1, e, 1000)
	again, againTimes := fates(1, e, 1000)
	if !slices.Equal(one, again) || !slices.Equal(oneTimes, againTimes) {
		t.Error("the same seed gave another fate")
	}
	if other, _ := fates(2, e, 1000); slices.Equal(one, other) {
		t.Error("another seed gave the same fate")
	}
}

func TestDirectionFateDependsOnNumberOnly(t *testing.T) {
	lossy, _ := fates(1, Effects{Loss: 0.2}, 1000)
	slow, _ := fates(1, Effects{Loss: 0.2, Duplicate: 0.5, Jitter: time.Millisecond}, 1000)
	slices.Sort(slow)
	if !slices.Equal(lossy, slices.Compact(slow)) {
		t.Error("other effects changed which packets are lost")
	}
}

func TestDirectionDelays(t *testing.T) {
	for _, c := range []struct {
		effects        Effects
		earliest, last time.Duration
		sorted         bool
	}{
		{Effects{}, 0, time.Millisecond, true},
		{Effects{Delay: 5 * time.Millisecond}, 5 * time.Millisecond, 5 * time.Millisecond, true},
		{Effects{Delay: 5 * time.Millisecond, Jitter: 20 * time.Millisecond}, 5 * time.Millisecond, 25 * time.Millisecond, true},
		{Effects{Reorder: 0.3, ReorderDelay: 9 * time.Millisecond}, 0, 10 * time.Millisecond, false},
	} {
		t.Run(fmt.Sprintf("%+v", c.effects), func(t *testing.T) {
			numbers, times := fates(1, c.effects, 500)
			if len(numbers) != 500 || slices.IsSorted(numbers) != c.sorted {
				t.Errorf("%d of 500 came, in order: %v", len(numbers), slices.IsSorted(numbers))
			}
			for i, number := range numbers {
				delay := times[i] - time.Duration(number)*time.Millisecond
				if delay < c.earliest || delay > c.last+time.Millisecond {
					t.Fatalf("packet %d was delayed by %v, want %v to %v", number, delay, c.earliest, c.last)
				}
			}
		})
	}
}

func TestDirectionCounts(t *testing.T) {
	d := newDirection(-1, -1, 1)
	d.setEffects(Effects{Loss: 1, Match: func(packet []byte) bool { return packet[0] == 1 }})
	for i := range 10 {
		d.take([]byte{byte(i % 2)}, 0)
	}
	if got, want := d.readCounts(), (Counts{Sent: 10, Lost: 5}); got != want {
		t.Errorf("counts %+v, want %+v", got, want)
	}
}

func TestDirectionCorruptsOneBitOfTheBody(t *testing.T) {
	sent := append([]byte{0x45}, make([]byte, 27)...)
	d := newDirection(-1, -1, 1)
	d.setEffects(Effects{Corrupt: 0.5})
	hit := 0
	for range 1000 {
		d.take(sent, 0)
		came, _ := d.due(time.Hour)
		flipped := 0
		for i := range came {
			flipped += bits.OnesCount8(came[i] ^ sent[i])
		}
		if flipped > 1 || !bytes.Equal(came[:20], sent[:20]) {
			t.Fatalf("%x came of %x", came, sent)
		}
		hit += flipped
	}
	if counts := d.readCounts(); hit < 400 || hit > 600 || counts.Corrupted != uint64(hit) {
		t.Errorf("%d of 1000 are not what was sent, %d are counted", hit, counts.Corrupted)
	}
}
