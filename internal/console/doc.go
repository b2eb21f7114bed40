// Package console prints what a person or a pipe reads: the blocks of
// connmonitor 3, connmonitor 4 and connvitals on one stream, as text or JSON,
// and error and warning lines on the other.
//
// Nothing that waits here delays a probe: [Console.Consume] only fills a
// queue, [Console.Run] empties it. Whatever came from the network or from a
// file is escaped on its way out, so that nobody who sends us a banner can
// write to the user's terminal.
package console
