// Package lab builds networks of namespaces on one machine: hosts, routers,
// links, faults and servers, good and hostile, so that programs meet a real
// kernel's network under known conditions. It needs root on Linux.
//
// A node is a thread that has left for network and mount namespaces of its own
// and stays for as long as the node lives. The namespaces have no names, so
// nothing but that thread and what was started from it keeps them alive: when
// this process ends, however it ends, the kernel takes all of it away. Nothing
// of it shows in the file system of the machine.
package lab
