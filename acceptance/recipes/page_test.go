package recipes_test

import (
	"fmt"
	"strings"
)

// recipe is a section of the page.
type recipe struct {
	// page is the file that holds it, below so many lines above it.
	page  string
	above int
	title string
	steps []step
}

// step is one thing that a recipe does.
type step struct {
	// line is where it stands in the page.
	line int
	// shell is what is typed, and prints what that prints.
	shell, prints string
	// file is written with this text.
	file, text string
	// event happens to the network.
	event string
}

// block is a fenced block of the page.
type block struct {
	line             int
	kind, name, text string
}

// parsePage reads the sections of a page that hold anything to be done.
func parsePage(page string) ([]recipe, error) {
	var recipes []recipe
	var fenced *block
	for i, line := range strings.Split(page, "\n") {
		if fence, ok := strings.CutPrefix(line, "```"); ok {
			if fenced == nil {
				kind, name, _ := strings.Cut(fence, " ")
				fenced = &block{line: i + 1, kind: kind, name: name}
				continue
			}
			if len(recipes) == 0 {
				return nil, fmt.Errorf("line %d: a block before the first recipe", fenced.line)
			}
			if err := recipes[len(recipes)-1].add(*fenced); err != nil {
				return nil, err
			}
			fenced = nil
			continue
		}
		if fenced != nil {
			fenced.text += line + "\n"
			continue
		}
		if title, ok := strings.CutPrefix(line, "## "); ok {
			recipes = append(recipes, recipe{title: title})
		}
		if event, ok := strings.CutPrefix(line, "<!-- lab: "); ok {
			if len(recipes) == 0 {
				return nil, fmt.Errorf("line %d: an event before the first recipe", i+1)
			}
			last := &recipes[len(recipes)-1]
			last.steps = append(last.steps, step{line: i + 1, event: strings.TrimSuffix(event, " -->")})
		}
	}
	if fenced != nil {
		return nil, fmt.Errorf("line %d: a block without end", fenced.line)
	}
	return recipes, nil
}

// add makes a step of a block.
func (r *recipe) add(b block) error {
	switch {
	case b.name != "":
		r.steps = append(r.steps, step{line: b.line, file: b.name, text: b.text})
	case b.kind == "sh":
		r.steps = append(r.steps, step{line: b.line, shell: b.text})
	case b.kind == "text" && r.awaitsOutput():
		r.steps[len(r.steps)-1].prints = b.text
	default:
		return fmt.Errorf("line %d: a block of kind %q that is neither typed, nor a file, nor printed", b.line, b.kind)
	}
	return nil
}

// awaitsOutput reports whether the last step is typed and prints nothing so far.
func (r *recipe) awaitsOutput() bool {
	if len(r.steps) == 0 {
		return false
	}
	last := r.steps[len(r.steps)-1]
	return last.shell != "" && last.prints == ""
}
