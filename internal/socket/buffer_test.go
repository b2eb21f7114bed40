package socket

import (
	"testing"
	"time"
)

func TestHoldsFewerAnswersThatAreLarger(t *testing.T) {
	c, err := Open(Options{Kind: KindPort, Origin: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	small, large := c.Holds(0), c.Holds(65507)
	if small < 16 || large < 1 || large >= small {
		t.Errorf("the buffers hold %d small answers and %d large ones", small, large)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if got := c.Holds(0); got != 1 {
		t.Errorf("a closed connection holds %d answers, want 1", got)
	}
}
