package netsonde

import "encoding/binary"

// MostLabels is how many labels of a stack are kept. Stacks are rarely deeper
// than five.
const MostLabels = 8

// labelSize is the length of a label stack entry.
const labelSize = 4

// LabelStack is MPLS label stack entries as they stand in a packet, top first,
// four bytes each (RFC 3032, section 2.1). "" is none. It is a string so that
// what holds it can be compared and copied.
type LabelStack string

// Label is one entry of a label stack.
type Label struct {
	// Value is 0 to 1,048,575.
	Value uint32
	// TrafficClass is 0 to 7 (RFC 5462).
	TrafficClass uint8
	// Bottom is set in the last entry of a stack.
	Bottom bool
	TTL    uint8
}

// Len is the number of entries.
func (s LabelStack) Len() int { return len(s) / labelSize }

// At is entry i, from 0 to Len − 1.
func (s LabelStack) At(i int) Label {
	word := binary.BigEndian.Uint32([]byte(s[i*labelSize : (i+1)*labelSize]))
	return Label{
		Value: word >> 12, TrafficClass: uint8(word >> 9 & 7), Bottom: word>>8&1 == 1, TTL: uint8(word),
	}
}

// Push returns the stack with one more entry below the others. Of the label
// only what has room is kept.
func (s LabelStack) Push(l Label) LabelStack {
	word := l.Value<<12 | uint32(l.TrafficClass&7)<<9 | uint32(l.TTL)
	if l.Bottom {
		word |= 1 << 8
	}
	return s + LabelStack(binary.BigEndian.AppendUint32(nil, word))
}
