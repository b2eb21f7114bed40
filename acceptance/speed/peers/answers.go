package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// summary is what netsonde's tools print with --json -q.
type summary struct {
	Targets   int
	Reachable int
	Sent      int
	Received  int
	Lost      losses
}

// losses counts echoes without answer by outcome, and rounds that were not run.
type losses map[string]int

// theirs counts what is told as the network's loss.
func (l losses) theirs() int { return l["unanswered"] + l["unreachable"] }

// ours counts what is told as this machine's.
func (l losses) ours() int {
	return l["send_failed"] + l["overrun"] + l["stalled"] + l["unresolved"]
}

// readSummary reads the last line of a tool's output.
func readSummary(f *finished) (*summary, error) {
	lines := bytes.Split(bytes.TrimSpace(f.output), []byte("\n"))
	var s summary
	if err := json.Unmarshal(lines[len(lines)-1], &s); err != nil {
		return nil, fmt.Errorf("netsonde ended with %d and no summary: %w\n%s", f.code, err, f.errors)
	}
	return &s, nil
}

// result is a line of netsonde's tools with --json.
type result struct {
	Type     string
	Addr     netip.Addr
	Received int
	Lost     losses
	RTTs     []*float64 `json:"rtt_ms"`
	Reached  bool
	Hops     []struct{ Addr netip.Addr }
	Ports    map[string]struct{ State string }
}

// readResults reads the lines of a tool's output, without the summary.
func readResults(f *finished) ([]result, error) {
	if f.code > 1 {
		return nil, fmt.Errorf("netsonde ended with %d: %s", f.code, f.errors)
	}
	var results []result
	decoder := json.NewDecoder(bytes.NewReader(f.output))
	for decoder.More() {
		var r result
		if err := decoder.Decode(&r); err != nil {
			return nil, fmt.Errorf("netsonde ended with %d after %d results: %w\n%s", f.code, len(results), err, f.errors)
		}
		if r.Type != "summary" {
			results = append(results, r)
		}
	}
	return results, nil
}

// fpingAlive reads how many targets fping -s counted as alive.
func fpingAlive(text []byte) (alive int, err error) {
	for line := range strings.Lines(string(text)) {
		if count, found := strings.CutSuffix(strings.TrimSpace(line), " alive"); found {
			return strconv.Atoi(count)
		}
	}
	return 0, fmt.Errorf("fping tells no count: %s", bytes.TrimSpace(text))
}

// fpingCounts reads the packets sent and received that fping -c -q tells of
// each target.
func fpingCounts(text []byte) (sent, received int) {
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		_, counts, _ := strings.Cut(lines.Text(), " : xmt/rcv/%loss = ")
		var s, r int
		if n, _ := fmt.Sscanf(counts, "%d/%d/", &s, &r); n == 2 {
			sent += s
			received += r
		}
	}
	return sent, received
}

// hopLines reads the path that traceroute -n or mtr -n -r printed: who stands
// first on each numbered line; an invalid address is a silent hop.
func hopLines(text []byte) (hops []netip.Addr) {
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		fields := strings.Fields(strings.Replace(lines.Text(), ".|--", " ", 1))
		var ttl int
		if len(fields) < 2 {
			continue
		}
		if n, _ := fmt.Sscanf(fields[0], "%d", &ttl); n != 1 || ttl != len(hops)+1 {
			continue
		}
		addr, err := netip.ParseAddr(fields[1])
		if err != nil {
			addr = netip.Addr{} // * or ???
		}
		hops = append(hops, addr)
	}
	return hops
}

// nmapPaths reads the paths in nmap's XML: by destination, who answered at
// which TTL.
func nmapPaths(text []byte) (map[netip.Addr]map[int]netip.Addr, error) {
	var document struct {
		Hosts []struct {
			Address []struct {
				Addr string `xml:"addr,attr"`
			} `xml:"address"`
			Hops []struct {
				TTL  int    `xml:"ttl,attr"`
				Addr string `xml:"ipaddr,attr"`
			} `xml:"trace>hop"`
		} `xml:"host"`
	}
	if err := xml.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("nmap's XML: %w", err)
	}
	paths := map[netip.Addr]map[int]netip.Addr{}
	for _, host := range document.Hosts {
		if len(host.Address) == 0 {
			continue
		}
		destination, err := netip.ParseAddr(host.Address[0].Addr)
		if err != nil {
			return nil, fmt.Errorf("nmap's XML: %w", err)
		}
		paths[destination] = map[int]netip.Addr{}
		for _, hop := range host.Hops {
			if addr, err := netip.ParseAddr(hop.Addr); err == nil {
				paths[destination][hop.TTL] = addr
			}
		}
	}
	return paths, nil
}

// nmapOpen reads nmap's grepable output: "address:port" of each open port.
func nmapOpen(text []byte) map[string]bool {
	open := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		host, ports, found := strings.Cut(line, "Ports: ")
		address := strings.Fields(host)
		if !found || len(address) < 2 {
			continue
		}
		for _, port := range strings.Split(ports, ", ") {
			if number, rest, _ := strings.Cut(strings.TrimSpace(port), "/"); strings.HasPrefix(rest, "open/") {
				open[address[1]+":"+number] = true
			}
		}
	}
	return open
}

// zmapRate reads from zmap's status at which rate it sent, in packets a second.
func zmapRate(text []byte) (float64, error) {
	status := regexp.MustCompile(`send: \d+ done \(([\d.]+) ([KM]?)p/s avg\)`).FindSubmatch(text)
	if status == nil {
		return 0, fmt.Errorf("zmap tells no rate: %s", bytes.TrimSpace(text))
	}
	rate, err := strconv.ParseFloat(string(status[1]), 64)
	if err != nil {
		return 0, fmt.Errorf("zmap's rate: %w", err)
	}
	switch string(status[2]) {
	case "K":
		rate *= 1e3
	case "M":
		rate *= 1e6
	}
	return rate, nil
}
