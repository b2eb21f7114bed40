// Package mesh runs pmonitor's system on one host: a monitor for each node of
// an emulated network, in the node's network namespace, a master database with
// all nodes, statistics over time, and a page that shows them.
//
// A mesh lives in a directory: its databases and its state, mesh.json. While
// the mesh runs, its process holds a lock (flock) on the directory. Other
// processes look at it, and stop it, through these files alone, so they also
// can after it has died.
package mesh
