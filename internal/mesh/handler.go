package mesh

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
)

// assets are the page's parts. uPlot is version 1.6.32 of the npm package of
// that name, with its licence.
//
//go:embed assets
var assets embed.FS

// handler answers for one mesh.
type handler struct {
	observer *Observer
	page     *template.Template
	log      *slog.Logger
}

// NewHandler answers the requests that pmonitor's system knew:
//
//	GET /                       the page
//	GET /monitor/databases      {"master": path, "nodes": {name: path}}
//	GET /monitor/data/{name}    {"columns", "data", "stats"} of one database
//	GET /stats/total            {"good_count", "total_count"}
//
// Databases go by their names among those, "master" or a node's, and never by
// a path. Errors are {"error": text}: 404 for a name that is none and for a
// database that is not begun, 503 for one that is locked, 500 for one that
// cannot be read. What cannot be answered although it should is told to log.
func NewHandler(observer *Observer, log *slog.Logger) http.Handler {
	h := &handler{observer: observer, log: log,
		page: template.Must(template.New("page.html").Funcs(pageFunctions()).ParseFS(assets, "assets/page.html"))}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", h.servePage)
	mux.HandleFunc("GET /monitor/databases", h.serveDatabases)
	mux.HandleFunc("GET /monitor/data/{name}", h.serveData)
	mux.HandleFunc("GET /stats/total", h.serveTotal)
	for _, name := range []string{"page.css", "page.js", "uplot.css", "uplot.js", "uplot.LICENSE"} {
		mux.HandleFunc("GET /assets/"+name, func(w http.ResponseWriter, r *http.Request) {
			http.ServeFileFS(w, r, assets, "assets/"+name)
		})
	}
	return mux
}

func (h *handler) serveDatabases(w http.ResponseWriter, _ *http.Request) {
	directory := h.observer.directory
	state, err := directory.State()
	if err != nil {
		h.fail(w, err)
		return
	}
	nodes := make(map[string]string, len(state.Nodes))
	for _, node := range state.Nodes {
		nodes[node.Name] = directory.Work(node.Name)
	}
	h.answer(w, struct {
		Master string            `json:"master"`
		Nodes  map[string]string `json:"nodes"`
	}{directory.Master(), nodes})
}

func (h *handler) serveData(w http.ResponseWriter, r *http.Request) {
	path, err := h.database(r.PathValue("name"))
	if err != nil {
		h.fail(w, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), h.observer.patience)
	defer cancel()
	read, err := readTable(ctx, path)
	switch {
	case err == nil:
		h.answer(w, read)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, context.DeadlineExceeded):
		h.fail(w, err)
	default:
		h.fail(w, fmt.Errorf("Failed to read database: %w", err))
	}
}

// errNoDatabase tells that a request asks for a database that is not there.
var errNoDatabase = errors.New("there is no such database (GET /monitor/databases lists their names)")

// database returns the file of a database by its name.
func (h *handler) database(name string) (string, error) {
	directory := h.observer.directory
	state, err := directory.State()
	if err != nil {
		return "", err
	}
	path := ""
	if name == masterName {
		path = directory.Master()
	}
	for _, node := range state.Nodes {
		if node.Name == name {
			path = directory.Work(name)
		}
	}
	switch {
	case path == "":
		return "", errNoDatabase
	case blank(path):
		return "", fmt.Errorf("the database %s is empty, since no monitor has begun it: %w", name, fs.ErrNotExist)
	}
	return path, nil
}

func (h *handler) serveTotal(w http.ResponseWriter, r *http.Request) {
	_, seen, err := h.observer.Observe(r.Context())
	if err != nil {
		h.fail(w, err)
		return
	}
	var total Count
	for i := range seen {
		total = total.plus(seen[i].Count)
	}
	h.answer(w, struct {
		Good  int `json:"good_count"`
		Total int `json:"total_count"`
	}{total.Good, total.Total})
}

// answer writes a value as JSON.
func (h *handler) answer(w http.ResponseWriter, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		h.fail(w, fmt.Errorf("write the answer as JSON: %w", err))
		return
	}
	h.write(w, http.StatusOK, text)
}

// fail writes an error as JSON, with the status that goes with it.
func (h *handler) fail(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	switch {
	case errors.Is(err, errNoDatabase), errors.Is(err, fs.ErrNotExist), errors.Is(err, ErrNoMesh):
		status = http.StatusNotFound
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		status = http.StatusServiceUnavailable
	default:
		h.log.Error("HTTP: " + err.Error())
	}
	text, marshalled := json.Marshal(map[string]string{"error": err.Error()})
	if marshalled != nil {
		text = []byte(`{"error":"the error cannot be told"}`)
	}
	h.write(w, status, text)
}

// write writes JSON. A client that has gone is no concern of ours.
func (h *handler) write(w http.ResponseWriter, status int, text []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n'))
}
