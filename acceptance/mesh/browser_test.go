package mesh_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"netsonde/internal/lab"
	"netsonde/internal/sqlite"
)

// browser is a real one, with a page open.
type browser struct {
	t   *testing.T
	ctx context.Context

	mu sync.Mutex
	// complaints are what the browser's console shows: exceptions, what the
	// content policy has blocked, failed requests.
	complaints []string
}

// openBrowser starts a browser and opens a page.
func openBrowser(t *testing.T, url string) *browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		lab.Skip(t, "no chromium: install the package chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.WindowSize(1300, 1150))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, endProcess := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(endProcess)
	ctx, endPage := chromedp.NewContext(ctx)
	t.Cleanup(endPage)
	b := &browser{t: t, ctx: ctx}
	if err := errors.Join(chromedp.Listen(ctx, b.listen), chromedp.Do(ctx, chromedp.Navigate(url))); err != nil {
		t.Fatalf("open %s in the browser: %v", url, err)
	}
	return b
}

func (b *browser) listen(event any) {
	var text string
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text = e.ExceptionDetails.Text
	case *cdplog.EventEntryAdded:
		text = e.Entry.Text
	default:
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.complaints = append(b.complaints, text)
}

// await waits until an expression of the page is true. It asks from outside:
// the page's policy forbids code that is made of text.
func (b *browser) await(what, expression string) {
	b.t.Helper()
	for end := time.Now().Add(patience); !value[bool](b, expression); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatalf("the page never shows %s (%s):\n%s", what, expression, value[string](b, "document.body.innerText"))
		}
	}
}

// value is an expression's value on the page.
func value[T any](b *browser, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	found, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("browser: %s: %v", expression, err)
	}
	return found
}

func TestThePageInABrowser(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	m := startMesh(t, n, "--stable-monitors")
	s := m.await("everybody seen", func(s status) bool { return s.sums() == everybody })
	b := openBrowser(t, s.URL)

	charts := value[int](b, `document.querySelectorAll(".chart canvas").length`)
	rows := value[int](b, `document.querySelectorAll("#nodes tbody tr[data-node]").length`)
	lasts := value[int](b, `document.querySelectorAll("#nodes .last span").length`)
	good := value[int](b, `document.querySelectorAll("#nodes .last .ok").length`)
	if charts != 2 || rows != 6 || lasts != 30 || good != 30 {
		t.Errorf("%d charts, %d nodes, %d last pings, %d of them good; want 2, 6, 30, 30", charts, rows, lasts, good)
	}

	// The page follows by itself.
	n.links["PAO"].Down()
	b.await("the node that is cut off", `document.querySelectorAll('#seen tbody tr:nth-child(4) td.fail').length === 5`)
	b.await("its last pings", `document.querySelectorAll('[data-node="PAO"] .last .fail').length === 5`)
	b.await("those of its neighbour", `document.querySelectorAll('[data-node="SFO"] .last .fail').length === 1 &&
		document.querySelectorAll('[data-node="SFO"] .last .ok').length === 4`)
	b.await("the sum", `document.querySelector("#dynamic-count .fail").textContent === "7"`)
	b.await("the failed pairs' line", `JSON.parse(document.getElementById("dynamic").dataset.samples)[2].at(-1) === 7`)
	for _, chart := range []string{"dynamic", "stable"} {
		b.checkDrawn(chart)
	}
	b.checkColours()
	b.checkHostileName(m)

	m.stop()
	b.await("that nobody answers", `!document.getElementById("contact").hidden`)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, complaint := range b.complaints {
		if !strings.Contains(complaint, "ERR_CONNECTION_REFUSED") {
			t.Errorf("the browser complains: %s", complaint)
		}
	}
}

// checkDrawn looks for the line of good pairs in a chart.
func (b *browser) checkDrawn(chart string) {
	b.t.Helper()
	drawn := value[int](b, fmt.Sprintf(`(() => {
		const canvas = document.querySelector("#%s canvas");
		const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
		let count = 0;
		for (let i = 0; i < pixels.length; i += 4) {
			if (pixels[i + 3] > 200 && pixels[i + 1] > pixels[i] + 40) { count++; }
		}
		return count;
	})()`, chart))
	if drawn < 5 {
		b.t.Errorf("the chart %s has %d green pixels", chart, drawn)
	}
}

// checkColours makes sure that good is green and bad is red.
func (b *browser) checkColours() {
	b.t.Helper()
	for class, strong := range map[string]int{"ok": 1, "fail": 0} {
		colour := value[string](b, `getComputedStyle(document.querySelector("#nodes .last .`+class+`")).color`)
		var rgb [3]int
		if _, err := fmt.Sscanf(colour, "rgb(%d, %d, %d)", &rgb[0], &rgb[1], &rgb[2]); err != nil {
			b.t.Fatalf("%s: %v", colour, err)
		}
		if rgb[strong] < rgb[1-strong]+40 || rgb[strong] < rgb[2]+40 {
			b.t.Errorf("what is %s has the colour %v", class, rgb)
		}
	}
}

// checkHostileName adds a target whose name is HTML.
func (b *browser) checkHostileName(m *mesh) {
	b.t.Helper()
	const hostile = `<img src=x onerror="window.taken=1"><script>window.taken=1</script>`
	db, err := sqlite.Open(b.t.Context(), filepath.Join(m.directory, "master.sqlite"), sqlite.Existing)
	if err != nil {
		b.t.Fatal(err)
	}
	err = db.Write(b.t.Context(), func(tx *sqlite.Tx) error {
		_, err := tx.Exec("INSERT INTO targets (address, name) VALUES ('10.60.1.9', ?)", hostile)
		return err
	})
	if err := errors.Join(err, db.Close()); err != nil {
		b.t.Fatal(err)
	}
	b.await("the name as text", `[...document.querySelectorAll("#seen thead th span")].some((e) => e.textContent.startsWith("<img"))`)
	if value[bool](b, `window.taken !== undefined || document.querySelector("img") !== null`) {
		b.t.Error("the name is taken for HTML")
	}
}
