package kernel

import (
	"encoding/binary"
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// What x/sys does not name of queues (Linux, rtnetlink.h, pkt_sched.h and
// gen_stats.h).
const (
	tcMessageSize = 20 // struct tcmsg
	// parentIngress is also the parent of clsact: filters, not queues.
	parentIngress = 0xfffffff1
	parentRoot    = 0xffffffff
	statsQueue    = 3
	// queueDrops is the place of the drops in struct gnet_stats_queue.
	queueDrops = 8
)

// queue is one queue of an interface and what it has dropped.
type queue struct {
	index   int
	root    bool
	dropped uint32
}

// parseQueue reads a queue as RTM_NEWQDISC tells it. ok is false for what holds
// no packets.
func parseQueue(data []byte) (q queue, ok bool, err error) {
	if len(data) < tcMessageSize {
		return q, false, fmt.Errorf("queue counters: %d bytes are too few", len(data))
	}
	q.index = int(int32(binary.NativeEndian.Uint32(data[4:])))
	parent := binary.NativeEndian.Uint32(data[12:])
	if parent == parentIngress {
		return q, false, nil
	}
	q.root = parent == parentRoot
	attributes, err := netlink.NewAttributeDecoder(data[tcMessageSize:])
	if err != nil {
		return q, false, fmt.Errorf("queue counters: %w", err)
	}
	for attributes.Next() {
		if attributes.Type() != unix.TCA_STATS2 {
			continue
		}
		attributes.Nested(func(stats *netlink.AttributeDecoder) error {
			for stats.Next() {
				if data := stats.Bytes(); stats.Type() == statsQueue && len(data) >= queueDrops+4 {
					q.dropped = binary.NativeEndian.Uint32(data[queueDrops:])
				}
			}
			return nil
		})
	}
	if err := attributes.Err(); err != nil {
		return q, false, fmt.Errorf("queue counters: %w", err)
	}
	return q, true, nil
}

// droppedOf sums up the queues of each interface. A queue of queues counts what
// those within it drop, or not, as its kind has it: the greater number holds.
func droppedOf(queues []queue) map[int]uint64 {
	roots, others := map[int]uint64{}, map[int]uint64{}
	for _, q := range queues {
		if q.root {
			roots[q.index] += uint64(q.dropped)
		} else {
			others[q.index] += uint64(q.dropped)
		}
	}
	for index, dropped := range others {
		roots[index] = max(roots[index], dropped)
	}
	return roots
}
