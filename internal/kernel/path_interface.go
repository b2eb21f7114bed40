package kernel

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"netsonde"
)

// mostQueues bounds how many queues of an interface are told: one with many
// rings has one for each.
const mostQueues = 16

// operationalStates are those of RFC 2863 as Linux numbers them (if.h, IF_OPER_*).
var operationalStates = [...]string{"unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up"}

// askInterface asks for the state and the counters of an interface.
func (p *pathQuery) askInterface(index uint32) {
	header := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(header[4:], index)
	answers, err := ask(p.conn, unix.RTM_GETLINK, 0, header, encoder())
	if err == nil && len(answers) == 0 {
		err = errors.New("no answer")
	}
	if err == nil {
		p.path.Interface, err = parseInterface(answers[0].Data)
	}
	if err != nil {
		p.problem("interface", err)
		return
	}
	p.path.Route.Interface = p.path.Interface.Name
}

// parseInterface reads an RTM_NEWLINK.
func parseInterface(data []byte) (*netsonde.Interface, error) {
	found := &netsonde.Interface{State: operationalStates[0]}
	if err := decode(data, unix.SizeofIfInfomsg, func(a *netlink.AttributeDecoder) {
		switch a.Type() {
		case unix.IFLA_IFNAME:
			found.Name = a.String()
		case unix.IFLA_MTU:
			found.MTU = a.Uint32()
		case unix.IFLA_OPERSTATE:
			if state := int(a.Uint8()); state < len(operationalStates) {
				found.State = operationalStates[state]
			}
		case unix.IFLA_CARRIER:
			found.Carrier = a.Uint8() == 1
		case unix.IFLA_CARRIER_CHANGES:
			found.CarrierChanges = a.Uint32()
		case unix.IFLA_STATS64:
			// struct rtnl_link_stats64: four of the counters from the fifth on.
			if stats := a.Bytes(); len(stats) >= 64 {
				found.ReceiveErrors = binary.NativeEndian.Uint64(stats[32:])
				found.SendErrors = binary.NativeEndian.Uint64(stats[40:])
				found.ReceiveDropped = binary.NativeEndian.Uint64(stats[48:])
				found.SendDropped = binary.NativeEndian.Uint64(stats[56:])
			}
		}
	}); err != nil {
		return nil, err
	}
	found.Up = binary.NativeEndian.Uint32(data[8:])&unix.IFF_UP != 0
	return found, nil
}

// What x/sys does not name of a queue's message (rtnetlink.h, pkt_sched.h,
// gen_stats.h).
const (
	queueHeader      = 20 // struct tcmsg
	queueKind        = 1  // TCA_KIND
	queueStatistics  = 7  // TCA_STATS2
	queueCounters    = 3  // TCA_STATS_QUEUE
	queueCountersLen = 20
)

// askQueues asks for the queues of an interface.
func (p *pathQuery) askQueues(index uint32) {
	header := make([]byte, queueHeader)
	binary.NativeEndian.PutUint32(header[4:], index)
	answers, err := ask(p.conn, unix.RTM_GETQDISC, netlink.Dump, header, encoder())
	if err != nil {
		p.problem("queues", err)
		return
	}
	for _, answer := range answers {
		if len(answer.Data) < queueHeader || binary.NativeEndian.Uint32(answer.Data[4:]) != index {
			continue // kernels before 5.9 tell all interfaces
		}
		parent := binary.NativeEndian.Uint32(answer.Data[12:])
		if parent == parentIngress {
			continue
		}
		found, err := parsePathQueue(answer.Data)
		if err != nil {
			p.problem("queues", err)
			return
		}
		at := len(p.path.Queues)
		if parent == parentRoot {
			at = 0
		}
		p.path.Queues = slices.Insert(p.path.Queues, at, found)
	}
	if len(p.path.Queues) > mostQueues {
		p.path.Queues = p.path.Queues[:mostQueues]
	}
}

// parsePathQueue reads an RTM_NEWQDISC.
func parsePathQueue(data []byte) (found netsonde.Queue, err error) {
	err = decode(data, queueHeader, func(a *netlink.AttributeDecoder) {
		switch a.Type() {
		case queueKind:
			found.Kind = a.String()
		case queueStatistics:
			a.Nested(func(statistics *netlink.AttributeDecoder) error {
				for statistics.Next() {
					counters := statistics.Bytes()
					if statistics.Type() != queueCounters || len(counters) < queueCountersLen {
						continue
					}
					found.Length = binary.NativeEndian.Uint32(counters)
					found.Backlog = binary.NativeEndian.Uint32(counters[4:])
					found.Drops = binary.NativeEndian.Uint32(counters[8:])
					found.Requeues = binary.NativeEndian.Uint32(counters[12:])
					found.Overlimit = binary.NativeEndian.Uint32(counters[16:])
				}
				return nil
			})
		}
	})
	return found, err
}
