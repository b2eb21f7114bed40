package config

const (
	// targetLimit is the most targets of a plan.
	targetLimit = 1 << 20
	// planLimit is the most probes of a plan.
	planLimit = 1 << 22
	// probeLimit is the most probes of one target.
	probeLimit = 64
	// labelLimit is the most labels of one target.
	labelLimit = 64
	// flowLimit is the most flows of one trace.
	flowLimit = 16
)
