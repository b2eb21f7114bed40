// Package sqlite opens SQLite databases that other programs, old ones among
// them, read and write at the same time. It is the one importer of the driver.
//
// A lock that somebody else holds is no error here: Read and Write try again
// until they get through or their context ends. DESIGN.md says how, and why
// SQLite's own busy timeout is not enough.
package sqlite
