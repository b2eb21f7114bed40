package emulation

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Namespaces returns the files of a lab's network namespaces by the names of
// its nodes. They are threads' of the lab's process, and are there as long as
// the lab is. Who opens one keeps the namespace, without its links, for longer.
func (d Directory) Namespaces(name string) (map[string]string, error) {
	status, err := d.Status(name)
	if err != nil {
		return nil, err
	}
	threads, err := d.threads(name)
	if err != nil {
		return nil, fmt.Errorf("find the threads of lab %s: %w", name, err)
	}
	found := map[string]string{}
	for _, n := range status.Nodes {
		_, files, err := d.ask(name, request{Verb: verbEnter, Node: n.Name})
		if err != nil {
			return nil, err
		}
		for path, namespace := range threads {
			// Servers of the node are threads as well; any will do, always the same.
			same := len(files) > 0 && sameFile(files[0], namespace)
			if same && (found[n.Name] == "" || path < found[n.Name]) {
				found[n.Name] = path
			}
		}
		closeAll(files)
		if found[n.Name] == "" {
			return nil, fmt.Errorf("lab %s: node %s is no thread of its process", name, n.Name)
		}
	}
	return found, nil
}

func sameFile(file *os.File, other os.FileInfo) bool {
	info, err := file.Stat()
	return err == nil && os.SameFile(info, other)
}

// threads returns the network namespaces of the threads of a lab's process, by
// their files.
func (d Directory) threads(name string) (map[string]os.FileInfo, error) {
	connection, err := d.dial(name)
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	holder, err := peer(connection)
	if err != nil {
		return nil, err
	}
	defer func() { _ = unix.Close(holder) }()
	process, err := processNumber(holder)
	if err != nil {
		return nil, err
	}
	paths, err := filepath.Glob("/proc/" + process + "/task/*/ns/net")
	if err != nil {
		return nil, err
	}
	threads := map[string]os.FileInfo{}
	for _, path := range paths {
		// Some threads come and go.
		if info, err := os.Stat(path); err == nil {
			threads[path] = info
		}
	}
	return threads, nil
}

// processNumber returns the number that a process has in /proc. That is not
// the one it is known by otherwise where /proc is of an outer namespace, as in
// the shell of an ordinary user.
func processNumber(pidfd int) (string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/thread-self/fdinfo/%d", pidfd))
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if number, found := strings.CutPrefix(line, "Pid:"); found {
			return strings.TrimSpace(number), nil
		}
	}
	return "", errors.New("the kernel does not tell a process's number")
}
