// Package doctor says what this machine can and cannot do for a monitor. Facts
// are gathered first, by trying; a pure judgement then makes findings of them,
// each gap with the command that mends it.
package doctor
