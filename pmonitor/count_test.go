package pmonitor

import "testing"

// The reference's table, "one sample".
func TestWhatAPingDoesToARow(t *testing.T) {
	for _, test := range []struct {
		name     string
		row      row
		answered bool
		want     step
	}{
		{"new, answered", row{}, true, step{insert: true, count: true, success: true}},
		{"new, failed", row{}, false, step{insert: true}},
		{"silent so far, answered", row{known: true}, true, step{count: true, success: true}},
		{"silent so far, failed", row{known: true}, false, step{}},
		{"answering, answered", row{known: true, responded: true}, true, step{count: true, success: true}},
		{"answering, failed", row{known: true, responded: true}, false, step{count: true}},
	} {
		if got := test.row.after(test.answered); got != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
}

func TestTruthIsPythons(t *testing.T) {
	for _, test := range []struct {
		value any
		want  bool
	}{
		{nil, false}, {int64(0), false}, {int64(1), true}, {int64(-3), true}, {0.0, false}, {0.5, true},
		{"", false}, {"maybe", true}, {"0", true}, {[]byte{}, false}, {[]byte{0}, true}, {true, true}, {false, false},
	} {
		if got := truth(test.value); got != test.want {
			t.Errorf("%#v: %t, want %t", test.value, got, test.want)
		}
	}
}

func TestHostNames(t *testing.T) {
	for _, test := range []struct {
		text string
		want bool
	}{
		{"localhost", true}, {"no.such.host", true}, {"a_b.example.", true}, {"xn--nxasmq6b", true},
		{"", false}, {".", false}, {"-h", false}, {"a.-b", false}, {"a-", false}, {"a b", false}, {"a\nb", false},
		{"a/b", false}, {"$(x)", false}, {"a..b", false}, {"é", false},
		{string(make([]byte, 300)), false},
	} {
		if got := isHostName(test.text); got != test.want {
			t.Errorf("%q: %t, want %t", test.text, got, test.want)
		}
	}
}

func TestRotate(t *testing.T) {
	all := []Target{{Address: "a"}, {Address: "b"}, {Address: "c"}}
	for _, test := range []struct {
		own, want string
		place     int
	}{{"a", "bc", 0}, {"b", "ca", 1}, {"c", "ab", 2}, {"x", "abc", 0}} {
		l := rotate(all, test.own)
		got := ""
		for _, target := range l.targets {
			got += target.Address
		}
		if got != test.want || l.place != test.place || l.all != 3 {
			t.Errorf("from %s: %s at %d of %d, want %s at %d of 3", test.own, got, l.place, l.all, test.want, test.place)
		}
	}
	if all[0].Address != "a" || all[1].Address != "b" || all[2].Address != "c" {
		t.Errorf("the list was changed: %v", all)
	}
}
