// Package pmonitor is a monitor of nodes that watch each other: every node
// pings all the others, in turn, and keeps what it sees in a database of its
// own. It takes the place of pmonitor.py and works on the same files, beside
// programs that go on using that.
//
// # The two databases
//
// Both are SQLite files with one table that matters to others:
//
//	targets(address TEXT PRIMARY KEY, name, run, running, me, stable,
//	        responded, sample_time, total_count, total_success)
//
// The master lists all nodes; run = 0 asks a node's monitor to stop, and
// running is set by whoever starts monitors. A node's working database holds
// its own row (me = 1) and what it has seen of the others. Booleans are 0 and
// 1, sample_time is in seconds since the Unix epoch with a fraction.
//
// # What is counted
//
// The counts are not those of pings. Failures before a target's first answer
// are not counted, and an outage is one failure however long it lasts:
//
//	row           answered                      not answered
//	none          1 of 1, responded             0 of 0, sample_time
//	responded 0   one more of each, responded   nothing changes
//	responded 1   one more of each              one more in total, not responded
//
// Every ping, with its true outcome, stands beside in the table
// netsonde_samples of the working database, and what a new start erased from
// targets in netsonde_erased.
//
// # Locks
//
// A database that somebody has locked is waited for until the context ends.
package pmonitor
