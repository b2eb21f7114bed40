// Command mutants measures what the tests notice: it plants faults, one at a
// time, in the packages named and counts those that make a test fail. The
// choice is seeded, so that a run can be repeated. Nothing in the tree is
// changed: each mutant is an overlay of the build.
//
//	go run -C tools ./mutants -seed 1 -count 100 ./internal/packet ./internal/probe
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/format"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// testTime bounds one mutant's tests; a mutant that hangs is noticed.
const testTime = 90 * time.Second

func main() {
	seed := flag.Uint64("seed", 1, "what the choice of mutants is made from")
	count := flag.Int("count", 100, "how many mutants to make")
	need := flag.Int("need", 0, "exit with 1 when fewer are killed")
	root := flag.String("root", "..", "the module that holds the packages")
	jobs := flag.Int("jobs", 2, "how many mutants to test at the same time")
	flag.Parse()
	if flag.NArg() == 0 || *count <= 0 || *jobs <= 0 {
		flag.Usage()
		os.Exit(2)
	}
	killed, err := run(*root, flag.Args(), *seed, *count, *jobs)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
	fmt.Printf("seed %d: %d of %d mutants killed\n", *seed, killed, *count)
	if killed < *need {
		os.Exit(1)
	}
}

func run(root string, packages []string, seed uint64, count, jobs int) (killed int, err error) {
	root, err = filepath.Abs(root)
	if err != nil {
		return 0, fmt.Errorf("find the module: %w", err)
	}
	var mutants []mutant
	for _, dir := range packages {
		found, err := findMutants(root, dir)
		if err != nil {
			return 0, err
		}
		mutants = append(mutants, found...)
	}
	random := rand.New(rand.NewPCG(seed, 0))
	random.Shuffle(len(mutants), func(i, j int) { mutants[i], mutants[j] = mutants[j], mutants[i] })
	fmt.Printf("%d places in %s\n", len(mutants), strings.Join(packages, " "))

	verdicts := make([]verdict, len(mutants))
	settled := make([]chan struct{}, len(mutants))
	for i := range settled {
		settled[i] = make(chan struct{})
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	places := make(chan int)
	var workers sync.WaitGroup
	for range jobs {
		workers.Go(func() {
			for i := range places {
				verdicts[i] = judge(ctx, root, packages, mutants[i])
				close(settled[i])
			}
		})
	}
	go func() {
		defer close(places)
		for i := range mutants {
			select {
			case places <- i:
			case <-ctx.Done():
				return
			}
		}
	}()
	made := 0
	for i := 0; i < len(mutants) && made < count; i++ {
		<-settled[i]
		switch v := verdicts[i]; {
		case v.err != nil:
			return killed, v.err
		case v.invalid:
			continue
		case v.killed:
			killed++
		default:
			fmt.Println("survived:", mutants[i].label)
		}
		made++
	}
	cancel()
	workers.Wait()
	if made < count {
		return killed, fmt.Errorf("only %d mutants can be made in %s", made, strings.Join(packages, " "))
	}
	return killed, nil
}

// verdict is what became of one mutant. One that does not compile is invalid
// and does not count.
type verdict struct {
	killed, invalid bool
	err             error
}

func judge(ctx context.Context, root string, packages []string, m mutant) verdict {
	dir, err := os.MkdirTemp("", "mutant")
	if err != nil {
		return verdict{err: fmt.Errorf("make room for a mutant: %w", err)}
	}
	defer os.RemoveAll(dir)
	overlay, err := m.overlay(dir)
	if err != nil {
		return verdict{err: err}
	}
	goTool := func(args ...string) error {
		command := exec.CommandContext(ctx, "go", append(args, packages...)...)
		command.Dir = root
		return command.Run()
	}
	var exit *exec.ExitError
	if err := goTool("vet", "-overlay", overlay); errors.As(err, &exit) {
		return verdict{invalid: true}
	}
	err = goTool("test", "-overlay", overlay, "-count=1", "-failfast", "-timeout", testTime.String())
	switch {
	case errors.As(err, &exit):
		return verdict{killed: true}
	case err != nil && ctx.Err() == nil:
		return verdict{err: fmt.Errorf("test a mutant: %w", err)}
	default:
		return verdict{}
	}
}

// overlay writes the mutated file and the description that the go command
// takes with -overlay, and returns the latter's path.
func (m mutant) overlay(dir string) (string, error) {
	m.change()
	var source bytes.Buffer
	err := format.Node(&source, m.files, m.file)
	m.restore()
	if err != nil {
		return "", fmt.Errorf("print mutant %s: %w", m.label, err)
	}
	mutated := filepath.Join(dir, "mutated.go")
	if err := os.WriteFile(mutated, source.Bytes(), 0o600); err != nil {
		return "", fmt.Errorf("write mutant: %w", err)
	}
	description, err := json.Marshal(map[string]map[string]string{"Replace": {m.path: mutated}})
	if err != nil {
		return "", fmt.Errorf("describe mutant: %w", err)
	}
	path := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(path, description, 0o600); err != nil {
		return "", fmt.Errorf("write mutant's description: %w", err)
	}
	return path, nil
}
