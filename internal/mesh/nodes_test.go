package mesh_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"netsonde/internal/mesh"
)

func TestNodesAreRead(t *testing.T) {
	t.Parallel()
	text := "# name address kind namespace\n\nR0_0 10.0.0.1 stable netns:R0_0\n" +
		"  G-PAO\t10.0.0.2  dynamic pid:42 # a station\nV.1 ::ffff:10.0.0.3 dynamic /proc/7/ns/net\nx 10.0.0.4 stable"
	got, err := mesh.ReadNodes("nodes", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []mesh.Node{
		{Name: "R0_0", Address: netip.MustParseAddr("10.0.0.1"), Stable: true, Namespace: "/run/netns/R0_0"},
		{Name: "G-PAO", Address: netip.MustParseAddr("10.0.0.2"), Namespace: "/proc/42/ns/net"},
		{Name: "V.1", Address: netip.MustParseAddr("10.0.0.3"), Namespace: "/proc/7/ns/net"},
		{Name: "x", Address: netip.MustParseAddr("10.0.0.4"), Stable: true},
	}
	if !slices.Equal(got, want) {
		t.Errorf("read %v, want %v", got, want)
	}
}

func TestBadNodesAreRefused(t *testing.T) {
	t.Parallel()
	const good = "good 10.0.0.1 stable\n"
	for line, want := range map[string]string{
		"a":                                          "nodes:2: the line has 1 words",
		"a 10.0.0.2":                                 "nodes:2: the line has 2 words",
		"a 10.0.0.2 stable netns:a more":             "nodes:2: the line has 5 words",
		"a 10.0.0 stable":                            `nodes:2: "10.0.0" is no IP address`,
		"a host stable":                              `nodes:2: "host" is no IP address`,
		"a fe80::1%eth0 stable":                      "without a zone",
		"a 10.0.0.2 yes":                             `nodes:2: "yes" must be stable or dynamic`,
		"a fd00::1 stable":                           "nodes:2: fd00::1 and 10.0.0.1 cannot ping each other",
		"good 10.0.0.2 stable":                       `nodes:2: the name "good" stands on line 1 already`,
		"a 10.0.0.1 stable":                          "nodes:2: the address 10.0.0.1 stands on line 1 already",
		"master 10.0.0.2 stable":                     "is the master database's",
		"../a 10.0.0.2 stable":                       `the name "../a" must be letters`,
		"a/b 10.0.0.2 stable":                        `the name "a/b" must be letters`,
		"-a 10.0.0.2 stable":                         `the name "-a" must be letters`,
		"<b> 10.0.0.2 stable":                        `the name "<b>" must be letters`,
		"a\x00b 10.0.0.2 stable":                     "must be letters",
		strings.Repeat("a", 65) + " 10.0.0.2 stable": "must have 1 to 64 bytes",
		"a 10.0.0.2 stable netns:":                   "must be netns:NAME",
		"a 10.0.0.2 stable netns:../a":               "must be netns:NAME",
		"a 10.0.0.2 stable netns:..":                 "must be netns:NAME",
		"a 10.0.0.2 stable pid:0":                    "must be netns:NAME",
		"a 10.0.0.2 stable pid:-1":                   "must be netns:NAME",
		"a 10.0.0.2 stable relative/path":            "must be netns:NAME",
		"#" + strings.Repeat("a", 5000):              "nodes:2: the line has more than 4096 bytes",
		"":                                           "nodes has 1 nodes: a mesh needs two or more",
	} {
		_, err := mesh.ReadNodes("nodes", strings.NewReader(good+line+"\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: the error is %v, want %s", line, err, want)
		}
	}
}

func TestAllMistakesAreToldAtOnce(t *testing.T) {
	t.Parallel()
	_, err := mesh.ReadNodes("nodes", strings.NewReader("a b c\nd 10.0.0.1 e\nf 10.0.0.1 stable g\n"))
	if got := len(strings.Split(fmt.Sprint(err), "\n")); got != 3 {
		t.Errorf("%d mistakes are told, want 3: %v", got, err)
	}
}

func TestAMeshIsBounded(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 1025 {
		fmt.Fprintf(&text, "n%d 10.0.%d.%d stable\n", i, i/256, i%256)
	}
	if _, err := mesh.ReadNodes("nodes", strings.NewReader(text.String())); err == nil {
		t.Error("1025 nodes are no error")
	}
	last := strings.LastIndex(strings.TrimSpace(text.String()), "\n")
	if nodes, err := mesh.ReadNodes("nodes", strings.NewReader(text.String()[:last])); err != nil || len(nodes) != 1024 {
		t.Errorf("%d nodes and %v, want 1024", len(nodes), err)
	}
}
