package main

import (
	"errors"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// leadingHelp is a -h that asks for help only in front of all arguments. The
// original took one behind them for an argument; who gives us a node's address
// that way must not be told that all went well.
type leadingHelp struct {
	flags *pflag.FlagSet
	asked bool
}

// addLeadingHelp takes the place of the help flag that cobra would add.
func addLeadingHelp(command *cobra.Command) {
	flag := command.Flags().VarPF(&leadingHelp{flags: command.Flags()}, "help", "h", "help for "+command.Name())
	flag.NoOptDefVal = "true"
}

// Set is called while the flags are read, with the arguments before this one.
func (h *leadingHelp) Set(text string) (err error) {
	if h.flags.NArg() > 0 {
		return errors.New("help is asked for in front; write -- before arguments that begin with -")
	}
	h.asked, err = strconv.ParseBool(text)
	return err
}

// String returns the flag's value.
func (h *leadingHelp) String() string { return strconv.FormatBool(h.asked) }

// Type names the only type of which cobra takes a help flag.
func (h *leadingHelp) Type() string { return "bool" }
