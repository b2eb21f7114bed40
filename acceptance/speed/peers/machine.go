package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// peerVersions is how each peer is asked for its version.
func peerVersions() [][]string {
	return [][]string{
		{"fping", "-v"}, {"ping", "-V"}, {"traceroute", "--version"}, {"mtr", "-v"},
		{"nmap", "-V"}, {"zmap", "-V"}, {"tcpdump", "--version"},
	}
}

// describeMachine says where and when, as a paragraph of Markdown.
func describeMachine(ctx context.Context) string {
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	load, _ := os.ReadFile("/proc/loadavg")
	average, _, _ := strings.Cut(string(load), " ")
	text := fmt.Sprintf("%s, %d cores (%s), Linux %s, load %s before the run.\n",
		time.Now().UTC().Format("2006-01-02 15:04 UTC"), runtime.NumCPU(), processor(), strings.TrimSpace(string(kernel)), average)
	version := regexp.MustCompile(`\d+\.[\d.]*\d|\d{8}`)
	var found []string
	for _, call := range peerVersions() {
		// Some tell their version with an exit code of 1.
		output, _ := exec.CommandContext(ctx, call[0], call[1:]...).CombinedOutput()
		number := version.FindString(string(output))
		if _, err := exec.LookPath(call[0]); err != nil {
			number = "is missing"
		}
		found = append(found, call[0]+" "+number)
	}
	return text + "Peers: " + strings.Join(found, ", ") + ".\n"
}

func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
