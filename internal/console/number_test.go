package console

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestAppendExact(t *testing.T) {
	for _, test := range []struct {
		value float64
		want  string
	}{
		{0, "0.000000"},
		{-1, "-1.000000"},
		{100, "100.000000"},
		{25, "25.000000"},
		{0.123978, "0.123978"},
		{0.5, "0.500000"},
		{100.0 / 3, "33.333333333333336"},
		{12345678901.25, "12345678901.250000"},
	} {
		if got := string(appendExact(nil, test.value)); got != test.want {
			t.Errorf("%v is written %s, want %s", test.value, got, test.want)
		}
	}
	if got := string(appendExact([]byte(`{"rtt":0.5,"x":`), 2)); got != `{"rtt":0.5,"x":2.000000` {
		t.Errorf("after other numbers: %s", got)
	}
}

// TestExactReadsBack takes durations of all magnitudes through JSON and back.
func TestExactReadsBack(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 20_000 {
		d := time.Duration(random.Uint64() % 1e15 >> random.UintN(50))
		text := string(appendExact(nil, milliseconds(d)))
		value, err := strconv.ParseFloat(text, 64)
		if err != nil || value != milliseconds(d) {
			t.Fatalf("%d ns are written %s, which reads %v, %v", d, text, value, err)
		}
		if back := time.Duration(math.Round(value * 1e6)); back != d {
			t.Fatalf("%d ns are written %s, which are %d ns", d, text, back)
		}
		if _, fraction, _ := strings.Cut(text, "."); len(fraction) < decimals {
			t.Fatalf("%d ns are written %s, with too few decimals", d, text)
		}
	}
}

func TestAppendEpochMilliseconds(t *testing.T) {
	for _, test := range []struct {
		nanoseconds int64
		want        string
	}{
		{0, "0.000000"},
		{1, "0.000001"},
		{1795321991710760254, "1795321991710.760254"},
		{-1500000, "-1.500000"},
		{math.MaxInt64, "9223372036854.775807"},
		{math.MinInt64, "-9223372036854.775808"},
	} {
		if got := string(appendEpochMilliseconds(nil, test.nanoseconds)); got != test.want {
			t.Errorf("%d ns are written %s, want %s", test.nanoseconds, got, test.want)
		}
	}
}
