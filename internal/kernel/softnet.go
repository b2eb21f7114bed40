package kernel

import (
	"bytes"
	"fmt"
	"strconv"
)

// softnetDropped is the column of packets that found a processor's backlog full
// in /proc/net/softnet_stat (Linux, net/core/net-procfs.c).
const softnetDropped = 1

// parseSoftnet sums up what the backlogs of all processors have dropped. Each
// line is a processor's, its columns are hexadecimal and 32 bits wide.
func parseSoftnet(text []byte) (dropped uint64, err error) {
	lines := 0
	for line := range bytes.Lines(text) {
		columns := bytes.Fields(line)
		if len(columns) <= softnetDropped {
			return 0, fmt.Errorf("backlog counters: a line has %d columns", len(columns))
		}
		n, err := strconv.ParseUint(string(columns[softnetDropped]), 16, 64)
		if err != nil {
			return 0, fmt.Errorf("backlog counters: %w", err)
		}
		dropped += n
		lines++
	}
	if lines == 0 {
		return 0, fmt.Errorf("backlog counters: there are none")
	}
	return dropped, nil
}
