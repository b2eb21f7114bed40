package agent

import "testing"

func TestCheckLimitLeavesFilesForOthers(t *testing.T) {
	for files, want := range map[uint64]int{
		0: 1, 16: 1, 32: 1, 33: 1, 34: 2, 64: 32, 100: 50, 1024: 512, 8192: 4096, 1 << 40: 4096,
	} {
		if got := checkLimit(files); got != want {
			t.Errorf("with %d files %d checks run at once, want %d", files, got, want)
		}
	}
}
