package mesh_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"netsonde/internal/mesh"
	"netsonde/internal/sqlite"
)

// get asks the handler of a mesh.
func get(t *testing.T, directory mesh.Directory, target string) (status int, body string) {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	// The path as it is, however it is escaped.
	request.URL.Path, request.URL.RawPath = "", ""
	parsed, err := request.URL.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	request.URL = parsed
	response := httptest.NewRecorder()
	mesh.NewHandler(mesh.NewObserver(directory, mesh.BrowserPatience), slog.New(slog.DiscardHandler)).ServeHTTP(response, request)
	return response.Code, response.Body.String()
}

func TestDatabasesAreListed(t *testing.T) {
	t.Parallel()
	directory := recordedMesh(t)
	status, body := get(t, directory, "/monitor/databases")
	var got struct {
		Master string
		Nodes  map[string]string
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || status != http.StatusOK {
		t.Fatalf("%d, %v: %s", status, err, body)
	}
	if got.Master != directory.Master() || len(got.Nodes) != 5 || got.Nodes["nodeE"] != directory.Work("nodeE") {
		t.Errorf("listed %+v", got)
	}
}

// What the original answered for the same database, byte for byte, save for
// the space of numbers: its 50.0 is 50.
const nodeD = `{"columns":["address","name","run","running","me","stable","responded","sample_time","total_count","total_success"],` +
	`"data":[` +
	`{"address":"10.88.0.4","name":"nodeD","run":1,"running":0,"me":1,"stable":0,"responded":0,"sample_time":0,"total_count":0,"total_success":0},` +
	`{"address":"10.88.0.5","name":"nodeE","run":1,"running":0,"me":0,"stable":1,"responded":0,"sample_time":1795322097.4848251,"total_count":0,"total_success":0},` +
	`{"address":"10.88.0.1","name":"nodeA","run":1,"running":0,"me":0,"stable":1,"responded":1,"sample_time":1795322210.2134328,"total_count":5,"total_success":4},` +
	`{"address":"10.88.0.2","name":"nodeB","run":1,"running":0,"me":0,"stable":1,"responded":1,"sample_time":1795322191.9210923,"total_count":3,"total_success":2},` +
	`{"address":"10.88.0.3","name":"nodeC","run":1,"running":0,"me":0,"stable":0,"responded":1,"sample_time":1795322196.9614286,"total_count":3,"total_success":2},` +
	`{"address":"10.88.0.6","name":"nodeF","run":1,"running":0,"me":0,"stable":0,"responded":0,"sample_time":1795322181.810612,"total_count":0,"total_success":0}],` +
	`"stats":{"total":6,"responding":3,"response_rate":50}}` + "\n"

func TestADatabaseIsShownAsTheOriginalDid(t *testing.T) {
	t.Parallel()
	status, body := get(t, recordedMesh(t), "/monitor/data/nodeD")
	if status != http.StatusOK || body != nodeD {
		t.Errorf("%d: %s\nwant %s", status, body, nodeD)
	}
}

func TestTheMasterIsShownByItsName(t *testing.T) {
	t.Parallel()
	status, body := get(t, recordedMesh(t), "/monitor/data/master")
	var got struct {
		Stats map[string]float64
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || status != http.StatusOK {
		t.Fatalf("%d, %v: %s", status, err, body)
	}
	if want := map[string]float64{"total": 5, "responding": 0, "response_rate": 0}; !reflect.DeepEqual(got.Stats, want) {
		t.Errorf("%v, want %v", got.Stats, want)
	}
}

func TestValuesOfOtherKindsAreShown(t *testing.T) {
	t.Parallel()
	directory := recordedMesh(t)
	change(t, directory.Work("nodeC"), func(tx *sqlite.Tx) error {
		_, err := tx.Exec("UPDATE targets SET run = NULL, running = 'maybe', name = x'3c623e', total_count = 1.5 WHERE me")
		return err
	})
	_, body := get(t, directory, "/monitor/data/nodeC")
	if want := `"name":"\u003cb\u003e","run":null,"running":"maybe","me":1,"stable":0,"responded":0,"sample_time":0,"total_count":1.5`; !strings.Contains(body, want) {
		t.Errorf("%s\nwant in it %s", body, want)
	}
}

func TestTheTotalIsOfAllNodes(t *testing.T) {
	t.Parallel()
	status, body := get(t, recordedMesh(t), "/stats/total")
	if want := `{"good_count":7,"total_count":8}` + "\n"; status != http.StatusOK || body != want {
		t.Errorf("%d: %s, want %s", status, body, want)
	}
}

func TestOnlyTheMeshsDatabasesAreRead(t *testing.T) {
	t.Parallel()
	directory := recordedMesh(t)
	// A database that would answer, if a path led to it.
	outside := filepath.Join(t.TempDir(), "outside.sqlite")
	fill(t, outside, recorded()["nodeA"]...)
	fill(t, filepath.Join(directory.Path(), "stranger.sqlite"), recorded()["nodeA"]...)
	before := files(t, directory.Path())
	escaped := strings.ReplaceAll(outside, "/", "%2F")
	for _, name := range []string{
		"nope", "nodea", "stranger", "nodeA.sqlite", "master.sqlite", "mesh.json", "%00", "nodeA%00", "",
		escaped, "%2E%2E%2F" + filepath.Base(filepath.Dir(outside)) + "%2Foutside", "..%2Foutside.sqlite",
		"%2Fetc%2Fhostname", ".%2FnodeA", "..", "%2E%2E", ".", "nodeA%2F..%2FnodeA", "file:nodeA", "nodeA%3Fmode=rwc",
		strings.Repeat("a", 5000), "%F0%9F%92%A5", outside, "/etc/hostname", "nodeA/nodeA",
	} {
		status, body := get(t, directory, "/monitor/data/"+name)
		if status != http.StatusNotFound && status != http.StatusMovedPermanently && status != http.StatusTemporaryRedirect {
			t.Errorf("%.60q is answered with %d: %s", name, status, body)
		}
		if strings.Contains(body, "10.88.0.1") {
			t.Errorf("%.60q shows a database: %s", name, body)
		}
	}
	if after := files(t, directory.Path()); !slices.Equal(before, after) {
		t.Errorf("the files were %v and are %v", before, after)
	}
}

func TestABadDatabaseIsAClearError(t *testing.T) {
	t.Parallel()
	directory := recordedMesh(t)
	write(t, directory.Work("nodeA"), "")
	write(t, directory.Work("nodeB"), strings.Repeat("no database ", 100))
	change(t, directory.Work("nodeC"), func(tx *sqlite.Tx) error {
		_, err := tx.Exec("DROP TABLE targets")
		return err
	})
	if err := os.Remove(directory.Work("nodeD")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(directory.Work("nodeE")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(directory.Work("nodeE"), 0o700); err != nil {
		t.Fatal(err)
	}
	before := files(t, directory.Path())
	for name, want := range map[string]struct {
		status int
		text   string
	}{
		"nodeA": {http.StatusNotFound, "no monitor has begun it"},
		"nodeB": {http.StatusInternalServerError, "not a database"},
		"nodeC": {http.StatusInternalServerError, "no such table: targets"},
		"nodeD": {http.StatusNotFound, "no monitor has begun it"},
		"nodeE": {http.StatusInternalServerError, "unable to open database file"},
	} {
		status, body := get(t, directory, "/monitor/data/"+name)
		var got struct{ Error string }
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Errorf("%s: %v: %s", name, err, body)
		}
		if status != want.status || !strings.Contains(got.Error, want.text) {
			t.Errorf("%s: %d %s, want %d %s", name, status, got.Error, want.status, want.text)
		}
	}
	if status, body := get(t, directory, "/"); status != http.StatusOK || !strings.Contains(body, "not readable now") {
		t.Errorf("the page does not tell: %d", status)
	}
	if after := files(t, directory.Path()); !slices.Equal(before, after) {
		t.Errorf("the files were %v and are %v", before, after)
	}
}

func TestALockedDatabaseIsToldSo(t *testing.T) {
	t.Parallel()
	directory := recordedMesh(t)
	locked(t, directory.Work("nodeA"), func() {
		if status, body := get(t, directory, "/monitor/data/nodeA"); status != http.StatusServiceUnavailable {
			t.Errorf("%d: %s", status, body)
		}
	})
}

func TestOtherRequestsAreRefused(t *testing.T) {
	t.Parallel()
	directory := recordedMesh(t)
	handler := mesh.NewHandler(mesh.NewObserver(directory, mesh.BrowserPatience), slog.New(slog.DiscardHandler))
	for request, want := range map[string]int{
		"GET /nope": 404, "GET /assets/": 404, "GET /assets/page.html": 404, "GET /assets/../mesh.go": 307,
		"GET /assets/page.js": 200, "GET /assets/uplot.js": 200, "GET /assets/uplot.css": 200, "GET /assets/page.css": 200,
		"GET /assets/uplot.LICENSE": 200, "POST /": 405, "PUT /stats/total": 405, "DELETE /monitor/data/nodeA": 405,
		"HEAD /": 200, "GET /monitor/data": 404, "GET /shutdown": 404,
	} {
		method, path, _ := strings.Cut(request, " ")
		response := httptest.NewRecorder()
		handler.ServeHTTP(response, httptest.NewRequestWithContext(t.Context(), method, path, nil))
		if response.Code != want {
			t.Errorf("%s: %d, want %d", request, response.Code, want)
		}
	}
}

func TestWithoutAMeshEverythingIsNotFound(t *testing.T) {
	t.Parallel()
	directory := newDirectory(t)
	for _, path := range []string{"/", "/monitor/databases", "/monitor/data/master", "/stats/total"} {
		if status, body := get(t, directory, path); status != http.StatusNotFound || !strings.Contains(body, "no mesh") {
			t.Errorf("%s: %d: %s", path, status, body)
		}
	}
	if got := files(t, directory.Path()); len(got) != 0 {
		t.Errorf("asking made %v", got)
	}
}
