package mesh

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	// maxNodes bounds a mesh: its pings grow with the square of it.
	maxNodes = 1024
	// maxLine bounds a line of a list of nodes, in bytes.
	maxLine = 4096
	// maxName bounds the name of a node, in bytes: it names a file as well.
	maxName = 64
)

// Node is a member of the mesh, which all the others watch.
type Node struct {
	// Name is unique in the mesh: 1 to 64 letters, digits and "._-" that begin
	// with no dot or dash, and not "master".
	Name string
	// Address is the node's own, to which and from which is pinged.
	Address netip.Addr
	// Stable nodes are there all the time, such as satellites' routers; the
	// others come and go.
	Stable bool
	// Namespace is the file of the node's network namespace, "" if that is the
	// one of this process.
	Namespace string
}

// ReadNodes reads a list of nodes, one a line:
//
//	NAME ADDRESS stable|dynamic [netns:NAME | pid:NUMBER | /PATH]
//
// Where a namespace is given, it is that of "ip netns", of a process, or of a
// file. "#" begins a comment. The order counts: every node pings those behind
// it first. The error joins everything that is wrong, with file and line.
func ReadNodes(file string, text io.Reader) ([]Node, error) {
	var nodes []Node
	var problems []error
	names, addresses := map[string]int{}, map[netip.Addr]int{}
	lines := bufio.NewScanner(text)
	lines.Buffer(nil, maxLine)
	number := 0
	wrong := func(err error) { problems = append(problems, fmt.Errorf("%s:%d: %w", file, number, err)) }
	for len(nodes) <= maxNodes && lines.Scan() {
		number++
		line, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		node, err := parseNode(fields)
		if err != nil {
			wrong(err)
			continue
		}
		if before := names[node.Name]; before > 0 {
			wrong(fmt.Errorf("the name %q stands on line %d already", node.Name, before))
		}
		if before := addresses[node.Address]; before > 0 {
			wrong(fmt.Errorf("the address %s stands on line %d already", node.Address, before))
		}
		if len(nodes) > 0 && nodes[0].Address.Is4() != node.Address.Is4() {
			wrong(fmt.Errorf("%s and %s cannot ping each other: give all nodes IPv4 addresses, or all IPv6",
				node.Address, nodes[0].Address))
		}
		names[node.Name], addresses[node.Address] = number, number
		nodes = append(nodes, node)
	}
	number++
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		wrong(fmt.Errorf("the line has more than %d bytes", maxLine))
	case err != nil:
		problems = append(problems, fmt.Errorf("read the nodes of %s: %w", file, err))
	case len(nodes) > maxNodes:
		problems = append(problems, fmt.Errorf("%s has more than %d nodes", file, maxNodes))
	case len(nodes) < 2 && len(problems) == 0:
		problems = append(problems, fmt.Errorf("%s has %d nodes: a mesh needs two or more, one a line: "+
			"NAME ADDRESS stable|dynamic [netns:NAME]", file, len(nodes)))
	}
	return nodes, errors.Join(problems...)
}

func parseNode(fields []string) (Node, error) {
	if len(fields) < 3 || len(fields) > 4 {
		return Node{}, fmt.Errorf("the line has %d words: it must be NAME ADDRESS stable|dynamic [NAMESPACE]", len(fields))
	}
	node := Node{Name: fields[0]}
	if err := checkName(node.Name); err != nil {
		return Node{}, err
	}
	var err error
	if node.Address, err = netip.ParseAddr(fields[1]); err != nil || node.Address.Zone() != "" {
		return Node{}, fmt.Errorf("%q is no IP address without a zone", fields[1])
	}
	node.Address = node.Address.Unmap()
	switch fields[2] {
	case "stable":
		node.Stable = true
	case "dynamic":
	default:
		return Node{}, fmt.Errorf("%q must be stable or dynamic", fields[2])
	}
	if len(fields) == 4 {
		node.Namespace, err = namespacePath(fields[3])
	}
	return node, err
}

// checkName refuses what cannot name a database's file.
func checkName(name string) error {
	for i, c := range []byte(name) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '_'
		if !letter && (i == 0 || c != '.' && c != '-') {
			return fmt.Errorf("the name %q must be letters, digits and \"._-\", with no dot or dash first", name)
		}
	}
	switch {
	case name == "" || len(name) > maxName:
		return fmt.Errorf("the name %q must have 1 to %d bytes", name, maxName)
	case name == masterName:
		return fmt.Errorf("the name %q is the master database's: choose another", name)
	}
	return nil
}

// namespacePath returns the file of a namespace as it is written in a list.
func namespacePath(text string) (string, error) {
	if name, named := strings.CutPrefix(text, "netns:"); named && name != "" && !strings.ContainsRune(name, '/') &&
		name != "." && name != ".." {
		return filepath.Join("/run/netns", name), nil
	}
	if digits, numbered := strings.CutPrefix(text, "pid:"); numbered {
		if pid, err := strconv.ParseUint(digits, 10, 31); err == nil && pid > 0 {
			return fmt.Sprintf("/proc/%d/ns/net", pid), nil
		}
	}
	if filepath.IsAbs(text) {
		return text, nil
	}
	return "", fmt.Errorf("the namespace %q must be netns:NAME, pid:NUMBER or a file's absolute path", text)
}
