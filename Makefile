# For developers. ./test runs everything.

.PHONY: build test test-all lint bench bench-peers fuzz cover systemd-test loss-matrix soak

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

# Forces events on the program and prints what it tells of each (docs/performance.md).
# Needs root: make loss-matrix, make loss-matrix SEED=7 EVENTS=100
SEED ?= 1
EVENTS ?= 400
loss-matrix:
	NETSONDE_LAB=require NETSONDE_LOSS_SEED=$(SEED) NETSONDE_LOSS_EVENTS=$(EVENTS) NETSONDE_LOSS_LANES=8 \
		go test -count=1 -timeout 30m -v -run '^TestForcedEvents$$' ./acceptance/loss

# 10,000 targets a second each for ten minutes, of which a firewall drops echoes at
# random, four times. Needs root: make soak, make soak FOR=1m
FOR ?= 10m
soak:
	NETSONDE_LAB=require NETSONDE_SOAK=$(FOR) \
		go test -count=1 -timeout 60m -v -run '^TestLossesAreCountedExactly$$' ./acceptance/loss

cover:
	go test -coverprofile bin/cover.out ./... && go tool cover -func bin/cover.out | tail -1

# Boots a copy of this machine in memory. Needs root.
systemd-test:
	NETSONDE_LAB=require go test -count=1 -v ./acceptance/systemd
