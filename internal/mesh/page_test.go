package mesh_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"netsonde/internal/mesh"
	"netsonde/internal/sqlite"
)

// pageOf returns the page of a mesh.
func pageOf(t *testing.T, directory mesh.Directory) string {
	t.Helper()
	status, body := get(t, directory, "/")
	if status != http.StatusOK {
		t.Fatalf("%d: %s", status, body)
	}
	return body
}

// line returns the line of a page that an expression finds.
func line(t *testing.T, page, expression string) string {
	t.Helper()
	found := regexp.MustCompile("(?m)^.*" + expression + ".*$").FindString(page)
	if found == "" {
		t.Errorf("the page has no %s", expression)
	}
	return found
}

func TestThePageShowsTheLastFive(t *testing.T) {
	t.Parallel()
	got := line(t, pageOf(t, recordedMesh(t)), `data-node="nodeC"`)
	want := `<td class="last"><span class="fail">✗ nodeD</span><span class="ok">✓ nodeB</span><span class="ok">✓ nodeA</span>` +
		`<span class="fail">✗ nodeE</span></td>`
	if !strings.Contains(got, want) || !strings.Contains(got, "2 / 3") {
		t.Errorf("the line is %s\nwant in it %s", got, want)
	}
}

func TestThePageShowsWhoSeesWhom(t *testing.T) {
	t.Parallel()
	got := line(t, pageOf(t, recordedMesh(t)), `nodeD → nodeA: ok`)
	var classes []string
	for _, match := range regexp.MustCompile(`<td class="(\w+)" title="nodeD → (\w+): (\w+)">`).FindAllStringSubmatch(got, -1) {
		if match[1] != match[3] {
			t.Errorf("a cell's class is %s and its title says %s", match[1], match[3])
		}
		classes = append(classes, match[2]+" "+match[1])
	}
	// nodeF is in no list of nodes; somebody had added it to the master.
	want := "nodeA ok, nodeB ok, nodeC ok, nodeD self, nodeE unknown, nodeF unknown"
	if strings.Join(classes, ", ") != want {
		t.Errorf("nodeD sees %v, want %s", classes, want)
	}
}

func TestTheChartOfStableNodesNeedsTheirMonitors(t *testing.T) {
	t.Parallel()
	directory := recordedMesh(t)
	state, err := directory.State()
	if err != nil {
		t.Fatal(err)
	}
	state.Samples = []mesh.Sample{
		{Time: time.Unix(1795322100, 5e8), Stable: mesh.Count{Good: 2, Total: 2}, Dynamic: mesh.Count{Good: 5, Total: 6}},
		{Time: time.Unix(1795322120, 0)},
	}
	for _, with := range []bool{true, false} {
		state.StableMonitors = with
		if err := mesh.WriteState(directory, state); err != nil {
			t.Fatal(err)
		}
		page := pageOf(t, directory)
		line(t, page, regexp.QuoteMeta(`id="dynamic" data-samples="[[1795322100.5,1795322120],[5,0],[1,0]]"`))
		if got := strings.Contains(page, `id="stable" data-samples="[[1795322100.5,1795322120],[2,0],[0,0]]"`); got != with {
			t.Errorf("the chart of stable nodes is there: %v, want %v", got, with)
		}
	}
}

func TestNamesHaveNoPowerOverThePage(t *testing.T) {
	t.Parallel()
	directory := recordedMesh(t)
	hostile := `"><script>alert(1)</script><img src=x onerror='alert(2)'>`
	change(t, directory.Work("nodeD"), func(tx *sqlite.Tx) error {
		_, err := tx.Exec("UPDATE targets SET name = ? WHERE name = 'nodeA'", hostile)
		return err
	})
	page := pageOf(t, directory)
	if strings.Contains(page, "<script>") || strings.Contains(page, "<img") {
		t.Error("a name is taken for HTML")
	}
	if got := strings.Count(page, "&lt;script&gt;alert(1)"); got < 3 {
		t.Errorf("the name is shown %d times", got)
	}
}
