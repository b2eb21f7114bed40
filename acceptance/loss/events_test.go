package loss_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"netsonde/internal/lab"
)

// What two kinds of event both need, so that they cannot happen at once.
const (
	needsProcess = 1 << iota // it is stopped, or starved
	needsForth               // the wire to the host
	needsBack                // the wire from the host
	needsLink                // the monitor's interface and route
	needsQueue               // the queue of that
	needsCount               // that the firewall counts all that is lost
	needsSession             // the same of sessions
)

// cause is why something became of a probe: a row of the matrix.
type cause string

// The causes.
const (
	pathLoss     cause = "lost on the path"
	stuckSession cause = "stuck firewall session"
	corruptReply cause = "corrupt reply"
	lateReply    cause = "late reply"
	duplicate    cause = "duplicate reply"
	refused      cause = "unreachable"
	noWayBeyond  cause = "no route at the router"
	queueFull    cause = "ENOBUFS"
	forbidden    cause = "EPERM"
	noRoute      cause = "route removed"
	linkDown     cause = "link down"
	noCarrier    cause = "carrier lost"
	stopped      cause = "SIGSTOP"
	starved      cause = "cores starved"
	overflow     cause = "receive overflow"
)

// kind is a kind of event.
type kind struct {
	cause cause
	needs int
	// split tells that it can be told by the target whom it concerns; else it
	// concerns all.
	split bool
	// settles is how long after its end the last of it may be seen.
	settles time.Duration
	// prepare draws what is left to chance and returns what to do.
	prepare func(l *lane, e *event, r *rand.Rand) action
}

// action does an event: begin, wait for lasts, end. End may be nil.
type action struct {
	begin, end func() error
	lasts      time.Duration
}

// event is something that was forced upon a lane.
type event struct {
	kind    *kind
	targets []netip.Addr
	detail  string
	offset  time.Duration
	action  action
	// from and to are when it began and ended, in nanoseconds since the epoch.
	from, to int64
	// begun is when what begins it was done, ending when what ends it began.
	begun, ending int64
	// caught is how many of the monitor's packets a firewall has counted.
	caught uint64
	// code is that of the ICMP errors.
	code uint8
	err  error

	// probes and wrong are what the judge found.
	probes, wrong int
}

// slot is one or two events at once.
type slot struct {
	events []*event
	// ended is when all is well again, in nanoseconds since the epoch.
	ended int64
}

func (e *event) concerns(target netip.Addr) bool {
	for _, t := range e.targets {
		if t == target {
			return true
		}
	}
	return false
}

// force lets the events of a slot happen.
func (s *slot) force() {
	var all sync.WaitGroup
	settles := 1200 * time.Millisecond
	for _, e := range s.events {
		settles = max(settles, e.kind.settles)
		all.Go(func() {
			time.Sleep(e.offset)
			e.from = time.Now().UnixNano()
			e.err = e.action.begin()
			e.begun = time.Now().UnixNano()
			time.Sleep(e.action.lasts)
			e.ending = time.Now().UnixNano()
			if e.err == nil && e.action.end != nil {
				e.err = e.action.end()
			}
			e.to = time.Now().UnixNano()
		})
	}
	all.Wait()
	time.Sleep(settles)
	s.ended = time.Now().UnixNano()
}

// kinds are all that can be forced.
func kinds(b *burners) []*kind {
	return []*kind{
		{cause: pathLoss, split: true, needs: needsCount, prepare: drop},
		{cause: stuckSession, split: true, needs: needsSession, prepare: stick},
		{cause: corruptReply, split: true, needs: needsBack, prepare: corrupt},
		{cause: lateReply, needs: needsForth, prepare: delay},
		{cause: duplicate, split: true, needs: needsBack, prepare: double},
		{cause: refused, split: true, prepare: refuse},
		{cause: noWayBeyond, needs: needsCount | needsSession, prepare: unroute},
		{cause: queueFull, needs: needsQueue | needsLink, prepare: fill},
		{cause: forbidden, split: true, prepare: forbid},
		{cause: noRoute, needs: needsLink, prepare: removeRoute},
		{cause: linkDown, needs: needsLink | needsQueue, prepare: takeDown},
		{cause: noCarrier, needs: needsLink | needsQueue, settles: 4500 * time.Millisecond, prepare: pullOut},
		{cause: stopped, needs: needsProcess, prepare: stop},
		{cause: starved, needs: needsProcess, prepare: b.starve},
		{cause: overflow, needs: needsProcess | needsForth | needsLink, prepare: overrun},
	}
}

// lasting is how long most events last.
func lasting(r *rand.Rand) time.Duration {
	return 800*time.Millisecond + time.Duration(r.Int64N(int64(1200*time.Millisecond)))
}

func (e *event) set() string {
	text := "{ "
	for i, t := range e.targets {
		if i > 0 {
			text += ", "
		}
		text += t.String()
	}
	return text + " }"
}

// drop loses a random share on the path, asking or answering. The traces and
// the second looks of the monitor are lost alike, but not counted.
func drop(l *lane, e *event, r *rand.Rand) action {
	share := []int{50, 200, 500, 1000}[r.IntN(4)]
	match := "ip daddr " + e.set() + " icmp type echo-request "
	rest := "ip daddr " + e.set()
	e.detail = fmt.Sprintf("%d of 1000 requests", share)
	if r.IntN(2) == 0 {
		match, rest = "ip saddr "+e.set()+" icmp type echo-reply ", "ip saddr "+e.set()
		e.detail = fmt.Sprintf("%d of 1000 answers", share)
	}
	var counted, looks, traces *lab.Filter
	return action{lasts: lasting(r), begin: func() error {
		counted = l.router.DropRandom(lab.HookForward, match+"icmp id "+l.ids(), share)
		looks = l.router.DropRandom(lab.HookForward, rest+" icmp id != "+l.ids(), share)
		traces = l.router.DropRandom(lab.HookForward, rest+" meta l4proto != icmp", share)
		return nil
	}, end: func() (err error) {
		e.caught, err = counted.Finish()
		looks.Remove()
		traces.Remove()
		return err
	}}
}

// stick drops the identifiers that a firewall has seen first, as one does that
// has their session wrong. Others pass.
func stick(l *lane, e *event, r *rand.Rand) action {
	var counted *lab.Filter
	return action{lasts: lasting(r) + 3*time.Second, begin: func() error {
		counted = l.router.Drop(lab.HookForward, "ip daddr "+e.set()+" icmp type echo-request icmp id "+l.sessions())
		return nil
	}, end: func() (err error) {
		e.caught, err = counted.Finish()
		return err
	}}
}

// isAnswer tells the answers of an event's targets.
func (e *event) isAnswer(packet []byte) bool {
	return len(packet) > ipHeader && packet[9] == unix.IPPROTO_ICMP && packet[ipHeader] == echoReply &&
		e.concerns(netip.AddrFrom4([4]byte(packet[12:16])))
}

func corrupt(l *lane, e *event, r *rand.Rand) action {
	return l.answers(lab.Effects{Corrupt: 0.2 + 0.8*r.Float64(), Match: e.isAnswer}, r)
}

func double(l *lane, e *event, r *rand.Rand) action {
	return l.answers(lab.Effects{Duplicate: 0.2 + 0.8*r.Float64(), Match: e.isAnswer}, r)
}

func (l *lane) answers(e lab.Effects, r *rand.Rand) action {
	return action{
		lasts: lasting(r),
		begin: func() error { l.affect(func(_, back *lab.Effects) { *back = e }); return nil },
		end:   func() error { l.affect(func(_, back *lab.Effects) { *back = lab.Effects{} }); return nil },
	}
}

// delay holds requests up so that their answers come after the timeout.
func delay(l *lane, e *event, r *rand.Rand) action {
	by := timeout + 50*time.Millisecond + time.Duration(r.Int64N(int64(400*time.Millisecond)))
	e.detail = by.String()
	return action{
		lasts: lasting(r),
		begin: func() error { l.affect(func(forth, _ *lab.Effects) { *forth = lab.Effects{Delay: by} }); return nil },
		end:   func() error { l.affect(func(forth, _ *lab.Effects) { *forth = lab.Effects{} }); return nil },
	}
}

// refuse answers with an ICMP error of each code in turn.
func refuse(l *lane, e *event, r *rand.Rand) action {
	e.detail = fmt.Sprintf("code %d", e.code)
	var dropped *lab.Filter
	return action{lasts: lasting(r), begin: func() error {
		dropped = l.router.Drop(lab.HookForward, "ip daddr "+e.set())
		l.errors.refuse(e.targets, e.code, true)
		return nil
	}, end: func() error {
		l.errors.refuse(e.targets, e.code, false)
		dropped.Remove()
		return nil
	}}
}

func unroute(l *lane, _ *event, r *rand.Rand) action {
	return action{lasts: lasting(r), begin: func() error {
		l.router.NoRoute(l.network())
		return nil
	}, end: func() error {
		l.routeTargets()
		return nil
	}}
}

// command runs a program in the monitor's node.
func (l *lane) run(node *lab.Node, arguments ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if text, err := node.Output(ctx, arguments[0], arguments[1:]...); err != nil {
		return fmt.Errorf("%q: %w: %s", arguments, err, text)
	}
	return nil
}

// shape gives the monitor's interface a rate. Where a queue has been from the
// beginning it is only changed: one that is put in place or taken away loses
// what it is given meanwhile.
func (l *lane) shape(how string, rate ...string) error {
	return l.run(l.monitor, append([]string{"tc", "qdisc", how, "dev", l.monitorLink(), "root", "tbf"}, rate...)...)
}

// wide is a rate that holds nothing up, and narrow one that few echoes fit into.
func wide() []string   { return []string{"rate", "1gbit", "burst", "100000", "limit", "1000000"} }
func narrow() []string { return []string{"rate", "32kbit", "burst", "256", "limit", "512"} }

// fill makes the interface so slow that its queue is full.
func fill(l *lane, _ *event, r *rand.Rand) action {
	return action{
		lasts: lasting(r),
		begin: func() error { return l.shape("change", narrow()...) },
		end:   func() error { return l.shape("change", wide()...) },
	}
}

func forbid(l *lane, e *event, r *rand.Rand) action {
	share := []int{200, 500, 1000}[r.IntN(3)]
	e.detail = fmt.Sprintf("%d of 1000", share)
	var counted *lab.Filter
	return action{lasts: lasting(r), begin: func() error {
		counted = l.monitor.DropRandom(lab.HookOutput, "ip daddr "+e.set()+" icmp type echo-request icmp id "+l.ids(), share)
		return nil
	}, end: func() (err error) {
		e.caught, err = counted.Finish()
		return err
	}}
}

func removeRoute(l *lane, _ *event, r *rand.Rand) action {
	return action{lasts: lasting(r), begin: func() error {
		l.monitor.NoRoute("default4")
		return nil
	}, end: func() error {
		l.monitor.Route("default4", l.routerAddr())
		return nil
	}}
}

func takeDown(l *lane, _ *event, r *rand.Rand) action {
	return action{lasts: lasting(r), begin: func() error {
		return l.run(l.monitor, "ip", "link", "set", l.monitorLink(), "down")
	}, end: func() error {
		if err := l.run(l.monitor, "ip", "link", "set", l.monitorLink(), "up"); err != nil {
			return err
		}
		stand(l.monitor, l.monitorLink())
		l.monitor.Route("default4", l.routerAddr())
		return nil
	}}
}

// pullOut takes the carrier from the monitor's interface, which stays up and
// keeps its routes.
func pullOut(l *lane, _ *event, r *rand.Rand) action {
	return action{lasts: lasting(r) + 2*time.Second, begin: func() error {
		return l.run(l.router, "ip", "link", "set", l.routerLink(), "down")
	}, end: func() error {
		if err := l.run(l.router, "ip", "link", "set", l.routerLink(), "up"); err != nil {
			return err
		}
		stand(l.monitor, l.monitorLink())
		return nil
	}}
}

func stop(l *lane, e *event, r *rand.Rand) action {
	lasts := 300*time.Millisecond + time.Duration(r.Int64N(int64(1500*time.Millisecond)))
	if r.IntN(4) == 0 {
		lasts = 5 * time.Second
	}
	e.detail = lasts.String()
	return action{lasts: lasts,
		begin: func() error { return l.command.Process.Signal(syscall.SIGSTOP) },
		end:   func() error { return l.command.Process.Signal(syscall.SIGCONT) },
	}
}

// floodPackets of floodSize bytes are more than the receive buffer holds: the
// kernel charges it twice their size.
const (
	floodPackets = 2500
	floodSize    = 8500
)

// overrun fills the receive buffer while the program does not read and answers
// are on their way.
func overrun(l *lane, e *event, _ *rand.Rand) action {
	const onTheWay = 150 * time.Millisecond // less than the timeout
	var fd int
	return action{begin: func() (err error) {
		l.affect(func(forth, _ *lab.Effects) { *forth = lab.Effects{Delay: onTheWay} })
		err = l.router.Do(func() (err error) {
			fd, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
			return err
		})
		if err != nil {
			return err
		}
		copied := l.tap.answer()
		copied[1] = floodMark
		copied = append(copied, make([]byte, floodSize-len(copied))...)
		to := &unix.SockaddrInet4{Addr: [4]byte(copied[16:20])}
		time.Sleep(2 * interval)
		if err := l.command.Process.Signal(syscall.SIGSTOP); err != nil {
			return err
		}
		began := time.Now()
		for range floodPackets {
			if err := unix.Sendto(fd, copied, 0, to); err != nil && !errors.Is(err, unix.ENOBUFS) {
				return fmt.Errorf("flood: %w", err)
			}
		}
		e.detail = fmt.Sprintf("flood in %v", time.Since(began))
		time.Sleep(onTheWay + 50*time.Millisecond)
		return nil
	}, end: func() error {
		err := l.command.Process.Signal(syscall.SIGCONT)
		l.affect(func(forth, _ *lab.Effects) { *forth = lab.Effects{} })
		_ = unix.Close(fd)
		return err
	}}
}

// burners are loops that take all processors while anybody asks for it.
type burners struct {
	mutex   sync.Mutex
	asked   int
	running []*exec.Cmd
}

func (b *burners) burn(on bool) (err error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if on {
		b.asked++
	} else {
		b.asked--
	}
	switch {
	case b.asked == 1 && len(b.running) == 0:
		for range runtime.NumCPU() {
			command := exec.Command("timeout", "20", "sh", "-c", "while :; do :; done")
			if err := command.Start(); err != nil {
				return err
			}
			b.running = append(b.running, command)
		}
	case b.asked == 0:
		for _, command := range b.running {
			_ = command.Process.Signal(syscall.SIGTERM)
			_ = command.Wait()
		}
		b.running = nil
	}
	return nil
}

// starve lets the program run only when nobody else wants to, and has all
// processors wanted.
func (b *burners) starve(l *lane, e *event, r *rand.Rand) action {
	lasts := time.Second + time.Duration(r.Int64N(int64(1500*time.Millisecond)))
	e.detail = lasts.String()
	return action{lasts: lasts, begin: func() error {
		if err := b.burn(true); err != nil {
			return err
		}
		return schedule(l.command.Process.Pid, unix.SCHED_IDLE)
	}, end: func() error {
		err := schedule(l.command.Process.Pid, unix.SCHED_NORMAL)
		if broken := b.burn(false); err == nil {
			err = broken
		}
		return err
	}}
}

// schedule gives all threads of a process a policy.
func schedule(pid int, policy uint32) error {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	if err != nil || len(threads) == 0 {
		return fmt.Errorf("threads of %d: %v, %w", pid, threads, err)
	}
	for _, thread := range threads {
		id, err := strconv.Atoi(filepath.Base(thread))
		if err != nil {
			return err
		}
		attributes := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: policy}
		if err := unix.SchedSetAttr(id, &attributes, 0); err != nil {
			if _, gone := os.Stat(thread); gone != nil {
				continue
			}
			return fmt.Errorf("policy of thread %d: %w", id, err)
		}
	}
	return nil
}
