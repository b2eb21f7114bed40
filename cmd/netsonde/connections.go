package main

import (
	"fmt"
	"runtime"
	"time"

	"netsonde"
	"netsonde/internal/config"
	"netsonde/internal/socket"
)

// shardRate is how many packets a second one shard sends with ease. Above, a
// plan has a shard for each processor; below, more than one would only wake up
// more often, and each answer is copied for the sockets of all.
const shardRate = 55_000

// shardsFor is how many shards a plan has. They are opened once: a plan that
// outgrows them with a reload needs a restart.
func shardsFor(plan *netsonde.Plan) int {
	if config.CostOf(plan).PacketsSent <= shardRate {
		return 1
	}
	return runtime.GOMAXPROCS(0)
}

// makeRoom lets as many shards rest without giving up the place in which Go code
// runs, and sinks go on beside them. It returns how many places there were.
func makeRoom(shards int) int { return runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + shards) }

// openConnection opens the best sockets that can be had, and says once if they
// are not the best there are. The caller closes them.
func (p *program) openConnection(options socket.Options) (*socket.Connection, error) {
	if options.Origin.IsZero() {
		options.Origin = time.Now()
	}
	connection, err := socket.Open(options)
	if err != nil {
		return nil, err
	}
	if can := connection.Capabilities(); can.Shortfall != "" {
		p.diagnostics.Warn(fmt.Sprintf("Measuring with %s: %s", can.Description, can.Shortfall))
	}
	return connection, nil
}

// openConnections opens so many, at least one, whose monotonic times have the
// same origin. The caller closes them, those that come with an error as well.
func (p *program) openConnections(count int) (all []*socket.Connection, err error) {
	origin := time.Now()
	for i := range count {
		var connection *socket.Connection
		if i == 0 {
			connection, err = p.openConnection(socket.Options{Origin: origin})
		} else {
			connection, err = socket.Open(socket.Options{Origin: origin})
		}
		if err != nil {
			return all, err
		}
		all = append(all, connection)
	}
	return all, nil
}

func closeConnections(all []*socket.Connection) {
	for _, connection := range all {
		// They were used to the end: nothing is lost with them.
		_ = connection.Close()
	}
}
