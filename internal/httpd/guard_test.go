package httpd_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"netsonde/internal/httpd"
)

// secret is what the guard stands before.
func secret(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("secret")) }

func TestOnlyOurHostsAreAnswered(t *testing.T) {
	t.Parallel()
	guard := httpd.Guard(http.HandlerFunc(secret), "monitor.example")
	for host, ours := range map[string]bool{
		"localhost": true, "localhost:8080": true, "LOCALHOST": true, "127.0.0.1": true, "127.0.0.1:8080": true,
		"[::1]": true, "[::1]:8080": true, "192.0.2.7:80": true, "monitor.example": true, "Monitor.Example:8080": true,
		"": false, "evil.example": false, "evil.example:8080": false, "localhost.evil.example": false,
		"127.0.0.1.evil.example": false, "localhost.": false, "xlocalhost": false, "evil@localhost": false,
		"localhost:80:80": false, "2130706433": false, "0x7f000001": false, "127.1": false,
	} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		request.Host = host
		response := httptest.NewRecorder()
		guard.ServeHTTP(response, request)
		if got := response.Code == http.StatusOK; got != ours || !ours && response.Code != http.StatusMisdirectedRequest {
			t.Errorf("host %q: %d", host, response.Code)
		}
		if !ours && strings.Contains(response.Body.String(), "secret") {
			t.Errorf("host %q reads the secret", host)
		}
	}
}

func TestAGuardWithoutNamesHasNone(t *testing.T) {
	t.Parallel()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	request.Host = ""
	response := httptest.NewRecorder()
	httpd.Guard(http.HandlerFunc(secret), "").ServeHTTP(response, request)
	if response.Code != http.StatusMisdirectedRequest {
		t.Errorf("no host: %d", response.Code)
	}
}

func TestOtherOriginsAreRefused(t *testing.T) {
	t.Parallel()
	guard := httpd.Guard(http.HandlerFunc(secret))
	for origin, want := range map[string]int{
		"": 200, "http://127.0.0.1:8080": 200, "http://evil.example": 403, "http://127.0.0.1:9090": 403, "null": 403,
		"http://127.0.0.1:8080.evil.example": 403, "http://evil.example@127.0.0.1:8080": 200, "://": 403,
	} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		request.Host = "127.0.0.1:8080"
		if origin != "" {
			request.Header.Set("Origin", origin)
		}
		response := httptest.NewRecorder()
		guard.ServeHTTP(response, request)
		if response.Code != want {
			t.Errorf("origin %q: %d, want %d", origin, response.Code, want)
		}
	}
}

func TestEveryAnswerKeepsBrowsersCareful(t *testing.T) {
	t.Parallel()
	guard := httpd.Guard(http.HandlerFunc(secret))
	for _, host := range []string{"localhost", "evil.example"} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		request.Host = host
		response := httptest.NewRecorder()
		guard.ServeHTTP(response, request)
		policy := response.Header().Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: the policy is %q", host, policy)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Cache-Control": "no-store"} {
			if got := response.Header().Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", host, name, got, want)
			}
		}
	}
}
