package mesh

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// masterName is what the master database is called among the others.
	masterName = "master"
	databases  = ".sqlite"
	stateFile  = "mesh.json"
	// keepFile asks the process that runs the mesh to leave the databases.
	keepFile = "mesh.keep"
)

var (
	// ErrNoMesh tells that a directory holds no mesh.
	ErrNoMesh = errors.New("there is no mesh (start one with: netsonde mesh start)")
	// ErrEnded tells that a mesh has ended and its files were kept.
	ErrEnded = errors.New("the mesh has ended and its files were kept (remove them, or start it again)")
	// ErrRunning tells that a mesh runs where another is to.
	ErrRunning = errors.New("a mesh runs there already (choose another --dir, or: netsonde mesh stop)")
)

// Directory is where a mesh lives.
type Directory struct{ path string }

// NewDirectory names a directory, which need not exist.
func NewDirectory(path string) (Directory, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return Directory{}, fmt.Errorf("directory of the mesh: %w", err)
	}
	return Directory{absolute}, nil
}

// Path is the directory's absolute path.
func (d Directory) Path() string { return d.path }

// Master is the file of the master database.
func (d Directory) Master() string { return d.file(masterName + databases) }

// Work is the file of a node's working database.
func (d Directory) Work(node string) string { return d.file(node + databases) }

func (d Directory) file(name string) string { return filepath.Join(d.path, name) }

// State is what the process that runs a mesh tells others about it.
type State struct {
	Schema int `json:"schema"`
	// Process is the id of the process.
	Process int       `json:"process"`
	Started time.Time `json:"started"`
	// Ended is when the mesh ended and its files were kept, zero before.
	Ended time.Time `json:"ended,omitzero"`
	// Keep says that the files are left when the mesh ends.
	Keep bool `json:"keep"`
	// URL is where the page is, "" if there is none.
	URL            string      `json:"url"`
	StableMonitors bool        `json:"stable_monitors"`
	Nodes          []NodeState `json:"nodes"`
	// Former are the names of nodes of earlier meshes in the directory whose
	// working databases are still there and have no monitor in this one.
	Former []string `json:"former,omitempty"`
	// Samples are the statistics, the oldest first.
	Samples []Sample `json:"samples"`
}

// NodeState is a node and what its monitor does.
type NodeState struct {
	Name    string  `json:"name"`
	Address string  `json:"address"`
	Stable  bool    `json:"stable"`
	Monitor Monitor `json:"monitor"`
	// Reason says why the monitor has failed.
	Reason string `json:"reason,omitempty"`
}

// Monitor is what a node's monitor does.
type Monitor string

// A monitor's states.
const (
	MonitorNone    Monitor = "none"
	MonitorRunning Monitor = "running"
	MonitorEnded   Monitor = "ended"
	MonitorFailed  Monitor = "failed"
)

// State reads the state of the mesh, which need no longer run. The error wraps
// ErrNoMesh if there is none.
func (d Directory) State() (*State, error) {
	text, err := os.ReadFile(d.file(stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("in %q %w", d.path, ErrNoMesh)
	}
	if err != nil {
		return nil, fmt.Errorf("state of the mesh: %w", err)
	}
	state := &State{}
	if err := json.Unmarshal(text, state); err != nil {
		return nil, fmt.Errorf("state of the mesh in %q (remove it if it is no mesh's): %w", d.file(stateFile), err)
	}
	names := slices.Clone(state.Former)
	for _, node := range state.Nodes {
		names = append(names, node.Name)
	}
	for _, name := range names {
		// The names lead to files.
		if err := checkName(name); err != nil {
			return nil, fmt.Errorf("state of the mesh in %q: %w", d.file(stateFile), err)
		}
	}
	return state, nil
}

// write puts a new state in the place of the old one at once.
func (d Directory) write(state *State) error {
	text, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("state of the mesh: %w", err)
	}
	fresh := d.file(stateFile + ".new")
	if err := os.WriteFile(fresh, append(text, '\n'), 0o644); err != nil { //nolint:gosec // whoever may look may read it
		return fmt.Errorf("state of the mesh: %w", err)
	}
	if err := os.Rename(fresh, d.file(stateFile)); err != nil {
		return fmt.Errorf("state of the mesh: %w", err)
	}
	return nil
}

// lock makes this process the one that runs the mesh, until the returned file
// is closed. The error wraps ErrRunning if there is one.
func (d Directory) lock() (*os.File, error) { return d.flock(unix.LOCK_EX) }

func (d Directory) flock(kind int) (*os.File, error) {
	file, err := os.Open(d.path)
	if err != nil {
		return nil, fmt.Errorf("directory of the mesh: %w", err)
	}
	// Somebody who only looks whether a mesh runs has the lock for a moment.
	for range 5 {
		err = unix.Flock(int(file.Fd()), kind|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = ErrRunning
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock %q: %w", d.path, err), file.Close())
	}
	return file, nil
}

// Running reports whether a process runs a mesh in the directory.
func (d Directory) Running() (bool, error) {
	file, err := d.flock(unix.LOCK_SH)
	switch {
	case err == nil:
		return false, file.Close()
	case errors.Is(err, ErrRunning):
		return true, nil
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	default:
		return false, err
	}
}

// owners are the names of the nodes whose working databases are the mesh's.
// A node without a monitor is none of them: a file of its name is the user's.
func (s *State) owners() []string {
	names := slices.Clone(s.Former)
	for _, node := range s.Nodes {
		if node.Monitor != MonitorNone {
			names = append(names, node.Name)
		}
	}
	return names
}

// takeOver makes what an earlier mesh left in the directory the fresh one's,
// whose state is not written yet. The error tells of a file that the fresh mesh
// would erase though no mesh made it.
func (d Directory) takeOver(fresh *State) error {
	earlier, err := d.State()
	found := err == nil
	if err != nil && !errors.Is(err, ErrNoMesh) {
		return err
	}
	var left, files []string
	if found {
		left = earlier.owners()
	} else {
		files = databaseFiles(d.Master())
	}
	for _, node := range fresh.Nodes {
		if !slices.Contains(left, node.Name) {
			files = append(files, databaseFiles(d.Work(node.Name))...)
		}
	}
	for _, file := range files {
		if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%q is there and no mesh made it: choose another --dir", file)
		}
	}
	monitored := fresh.owners()
	fresh.Former = slices.DeleteFunc(left, func(name string) bool { return slices.Contains(monitored, name) })
	return nil
}

// databaseFiles are a database's file and the journal that a crash leaves.
func databaseFiles(path string) []string { return []string{path, path + "-journal"} }

// remove removes the files of a mesh and nothing else. The state goes last, and
// only when all else has gone, so that what is left of a removal can be removed
// again.
func (d Directory) remove(state *State) error {
	files := databaseFiles(d.Master())
	for _, name := range state.owners() {
		files = append(files, databaseFiles(d.Work(name))...)
	}
	var problems []error
	for _, file := range append(files, d.file(keepFile), d.file(stateFile)) {
		if file == d.file(stateFile) && len(problems) > 0 {
			break
		}
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			problems = append(problems, fmt.Errorf("remove the mesh: %w", err))
		}
	}
	return errors.Join(problems...)
}
