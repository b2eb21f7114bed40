package config

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestParseInteger(t *testing.T) {
	for _, c := range []struct {
		in    string
		value int64
		ok    bool
	}{
		{"0", 0, true}, {"-0", 0, true}, {"+2", 2, true}, {"007", 7, true}, {"-12", -12, true},
		{"4_1", 41, true}, {"1_000_000", 1000000, true},
		{"9223372036854775799", math.MaxInt64 - 8, true},
		{"9223372036854775807", math.MaxInt64, true},
		{"18446744073709551621", math.MaxInt64, true},
		{"-99999999999999999999", -math.MaxInt64, true},
		{"", 0, false}, {"-", 0, false}, {"+", 0, false}, {"--1", 0, false}, {"-+1", 0, false},
		{"_1", 0, false}, {"1_", 0, false}, {"1__0", 0, false}, {"-_1", 0, false},
		{"1.0", 0, false}, {"1e3", 0, false}, {"0x1", 0, false}, {"٣", 0, false}, {"1 2", 0, false},
	} {
		value, ok := parseInteger(c.in)
		if ok != c.ok || ok && value != c.value {
			t.Errorf("%q is %d, %v; want %d, %v", c.in, value, ok, c.value, c.ok)
		}
	}
}

func TestIsNumber(t *testing.T) {
	for _, number := range []string{"0", "-1", "+7", "4_1", "1.5", "-1.5", ".5", "5.", "99999999999999999999"} {
		if !isNumber(number) {
			t.Errorf("%q is a number", number)
		}
	}
	for _, host := range []string{"", ".", "-", "-.", "--1.5", "+-1.5", "1.2.3", "10.77.10.1", "::1", "1e3", "e5", "a.5", "1.b", "0x7f", "localhost"} {
		if isNumber(host) {
			t.Errorf("%q is no number", host)
		}
	}
}

func TestParseMilliseconds(t *testing.T) {
	for _, c := range []struct {
		in    string
		pause time.Duration
		on    bool
	}{
		{"500", 500 * time.Millisecond, true}, {"+500", 500 * time.Millisecond, true},
		{"0", 0, false}, {"-0", 0, false}, {"0.0", 0, false}, {"0/5", 0, false},
		{"333.3", 333300 * time.Microsecond, true}, {".5", 500 * time.Microsecond, true},
		{"1E3", time.Second, true}, {"1e-3", time.Microsecond, true},
		{"1/3", 333333, true}, {"2/3", 666667, true}, {"1.5/3", 500 * time.Microsecond, true}, {"-1/-2", 500 * time.Microsecond, true},
		{"0.0000001", 0, true},
		{"3153600000000", maxPause, true},
	} {
		pause, on, problem := parseMilliseconds(c.in)
		if problem != "" || pause != c.pause || on != c.on {
			t.Errorf("%q is %v, %v, %q; want %v, %v", c.in, pause, on, problem, c.pause, c.on)
		}
	}
	for in, want := range map[string]string{
		"": "to float", "A": "to float", "1/": "to float", "/2": "to float", "1/2/3": "to float", "1_0": "to float",
		"0X10": "to float", "1E": "to float", "1,5": "to float", "500MS": "to float",
		"-1": "negative", "-1/2": "negative", "-0.5": "negative",
		"NAN": "no finite", "INF": "no finite", "-INFINITY": "no finite", "INF/INF": "no finite", "1E400": "no finite",
		"1/0": "divides by zero", "0/0": "divides by zero",
		"3153600000001": "100 years",
	} {
		if _, _, problem := parseMilliseconds(in); !strings.Contains(problem, want) {
			t.Errorf("%q: problem %q, want one about %q", in, problem, want)
		}
	}
}
