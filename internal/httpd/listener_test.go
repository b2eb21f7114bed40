package httpd_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"netsonde/internal/httpd"
)

func TestAListenerServesUntilItsContextEnds(t *testing.T) {
	t.Parallel()
	listener, err := httpd.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if !listener.Loopback() || !strings.HasPrefix(listener.URL(), "http://127.0.0.1:") {
		t.Errorf("it is at %s, loopback %v", listener.URL(), listener.Loopback())
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- listener.Serve(ctx, http.HandlerFunc(secret)) }()
	client := http.Client{Timeout: 10 * time.Second}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, listener.URL(), nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if string(text) != "secret" || err != nil {
		t.Errorf("it answers %q, %v", text, err)
	}
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("it ended with %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it does not end")
	}
	if _, err := client.Do(request); err == nil {
		t.Error("it answers after its end")
	}
}

func TestWhereAListenerIs(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]struct {
		url      string
		loopback bool
	}{
		"localhost:0": {"http://127.0.0.1:", true},
		"0.0.0.0:0":   {"http://127.0.0.1:", false},
		":0":          {"http://127.0.0.1:", false},
	} {
		listener, err := httpd.Listen(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(listener.URL(), want.url) || listener.Loopback() != want.loopback {
			t.Errorf("%s: %s, loopback %v", address, listener.URL(), listener.Loopback())
		}
		if err := listener.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestABadAddressIsExplained(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "8080", "127.0.0.1", "127.0.0.1:99999", "192.0.2.1:1"} {
		if listener, err := httpd.Listen(t.Context(), address); err == nil {
			_ = listener.Close()
			t.Errorf("%q is no error", address)
		} else if !strings.Contains(err.Error(), "listen on") {
			t.Errorf("%q: the error is %v", address, err)
		}
	}
}
