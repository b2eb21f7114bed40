# For developers. ./test runs everything.

.PHONY: build test test-all lint bench bench-peers fuzz cover systemd-test

FUZZTIME ?= 30s
SUDO ?= $(if $(filter 0,$(shell id -u)),,sudo)

build:
	CGO_ENABLED=0 go build ./cmd/netsonde

test:
	./test

test-all:
	sudo env "PATH=$$PATH" ./test --all

lint: bin/golangci-lint
	bin/golangci-lint run ./...

bin/golangci-lint: tools/go.mod
	go build -C tools -o ../bin/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint

bench:
	go test -run '^$$' -bench . -benchmem ./...

# Beside fping, ping, traceroute, mtr, nmap and zmap (docs/performance.md):
# make bench-peers, make bench-peers ROW=sweep,veth PEERS="-pairs 9 -for 1m"
bench-peers:
	CGO_ENABLED=0 go build -o bin/ ./cmd/netsonde ./acceptance/speed/peers
	$(SUDO) bin/peers -binary bin/netsonde $(if $(ROW),-row $(ROW)) $(if $(KEEP),-keep $(KEEP)) $(PEERS)

# One package, one target: make fuzz PACKAGE=./internal/packet TARGET=FuzzICMP4
fuzz:
	go test -run '^$$' -fuzz '^$(TARGET)$$' -fuzztime $(FUZZTIME) $(PACKAGE)

cover:
	go test -coverprofile bin/cover.out ./... && go tool cover -func bin/cover.out | tail -1

# Boots a copy of this machine in memory. Needs root.
systemd-test:
	NETSONDE_LAB=require go test -count=1 -v ./acceptance/systemd
