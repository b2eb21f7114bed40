package config

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Loader loads one configuration again and again. It remembers the target files
// of file_sd, so that one that is half written or broken keeps its last good
// content, and can watch them.
type Loader struct {
	path string
	mu   sync.Mutex
	// good is the last good content of each target file.
	good map[string]targetFile
	// patterns are those of the target files as of the last Load, seen is what
	// the files were like when it read them.
	patterns []string
	seen     map[string]fileState
}

// fileState tells one content of a file from another.
type fileState struct {
	modified time.Time
	size     int64
	inode    uint64
}

// NewLoader makes a loader of the configuration in a file.
func NewLoader(path string) *Loader {
	return &Loader{path: path, good: map[string]targetFile{}}
}

// Load reads the configuration as the function of this name does. What is wrong
// with a target file of file_sd is told with severity Host: the others run, and
// so does what that file held before.
func (l *Loader) Load(ctx context.Context) (*Configuration, []Diagnostic, error) {
	around := localSurroundings()
	good, seen := map[string]targetFile{}, map[string]fileState{}
	around.targets = func(path string) (targetFile, []Diagnostic) {
		// A change while the file is read must not be missed.
		if state, exists := stateOf(path); exists {
			seen[path] = state
		}
		file, told := readTargets(path)
		if len(told) > 0 && !errors.Is(told[0], fs.ErrNotExist) {
			l.mu.Lock()
			file = l.good[path]
			l.mu.Unlock()
		}
		good[path] = targetFile{groups: file.groups}
		return file, told
	}
	loaded, diagnostics, err := loadFile(ctx, l.path, around)
	if err != nil {
		return nil, diagnostics, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.good = good
	l.patterns, l.seen = loaded.TargetFiles, seen
	return loaded, diagnostics, nil
}

// Run looks every so often, 5 s unless it says otherwise, whether target files
// have changed, come or gone since the last Load, and then calls changed, which
// shall have the configuration loaded again. It returns nil when the context has
// ended. Files are looked at rather than subscribed to, since that works on
// every file system.
func (l *Loader) Run(ctx context.Context, every time.Duration, changed func()) error {
	if every <= 0 {
		every = 5 * time.Second
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		l.mu.Lock()
		now := states(l.patterns)
		news := !maps.Equal(now, l.seen)
		l.seen = now
		l.mu.Unlock()
		if news {
			changed()
		}
	}
}

// states returns what the files of some patterns are like.
func states(patterns []string) map[string]fileState {
	all := map[string]fileState{}
	for _, pattern := range patterns {
		// A bad pattern was told when it was read.
		paths, _ := filepath.Glob(pattern)
		for _, path := range paths {
			if state, exists := stateOf(path); exists {
				all[path] = state
			}
		}
	}
	return all
}

func stateOf(path string) (state fileState, exists bool) {
	info, err := os.Stat(path)
	if err != nil {
		return state, false
	}
	state = fileState{modified: info.ModTime(), size: info.Size()}
	if system, is := info.Sys().(*syscall.Stat_t); is {
		state.inode = system.Ino
	}
	return state, true
}

// readTargets reads a target file.
func readTargets(path string) (targetFile, []Diagnostic) {
	text, _, err := readLocal(path)
	if err != nil {
		return targetFile{}, []Diagnostic{{File: path, Severity: Host, cause: err, Text: fmt.Sprintf("%s: the target file cannot be read: %v", path, reason(err))}}
	}
	return parseTargets(path, text)
}

// localSurroundings are this machine's files and environment.
func localSurroundings() surroundings {
	return surroundings{read: readLocal, identify: identify, glob: filepath.Glob, lookup: os.LookupEnv, targets: readTargets}
}

// readLocal reads a file. What is no plain file is not read: it may have no end.
func readLocal(path string) (text []byte, identity string, err error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, "", fmt.Errorf("open the file: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, "", fmt.Errorf("look at the file: %w", err)
	case info.IsDir():
		return nil, "", fmt.Errorf("a directory: name its files, as in %s", filepath.Join(path, "*.yaml"))
	case !info.Mode().IsRegular():
		return nil, "", errors.New("no plain file")
	}
	text, err = io.ReadAll(io.LimitReader(file, nativeBytes+1))
	if err != nil {
		return nil, "", fmt.Errorf("read the file: %w", err)
	}
	if len(text) > nativeBytes {
		return nil, "", fmt.Errorf("longer than %d bytes", nativeBytes)
	}
	return text, identityOf(path, info), nil
}

func identify(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return path
	}
	return identityOf(path, info)
}

func identityOf(path string, info fs.FileInfo) string {
	if system, is := info.Sys().(*syscall.Stat_t); is {
		return fmt.Sprintf("%d:%d", system.Dev, system.Ino)
	}
	return path
}
