// Package httpd is the one listener through which the program answers
// browsers and other HTTP clients. Others hand it their handlers.
//
// It takes requests only for addresses and names that are its own. A page from
// elsewhere whose name is made to lead here (DNS rebinding) so reads nothing.
package httpd
