package netsonde_test

import (
	"testing"

	"netsonde"
)

func TestLabelStack(t *testing.T) {
	want := []netsonde.Label{
		{Value: 1<<20 - 1, TrafficClass: 7, TTL: 255},
		{Value: 24001, TrafficClass: 2, TTL: 1},
		{Value: 16, Bottom: true},
	}
	var stack netsonde.LabelStack
	for _, label := range want {
		stack = stack.Push(label)
	}
	if stack.Len() != len(want) {
		t.Fatalf("%d entries, want %d", stack.Len(), len(want))
	}
	for i, label := range want {
		if got := stack.At(i); got != label {
			t.Errorf("entry %d is %+v, want %+v", i, got, label)
		}
	}
	if stack[4:8] != "\x05\xdc\x14\x01" {
		t.Errorf("label 24001 is written as % x", string(stack[4:8]))
	}
	if over := netsonde.LabelStack("").Push(netsonde.Label{Value: 1 << 20, TrafficClass: 8}); over.At(0) != (netsonde.Label{}) {
		t.Errorf("what has no room became %+v", over.At(0))
	}
}
