package check

import "context"

// checkHTTPS checks HTTP within TLS.
func (c *Checker) checkHTTPS(ctx context.Context, x *exchange) {
	secured := c.secure(ctx, x, "http/1.1")
	if secured == nil {
		return
	}
	x.conn = secured
	checkHTTP(ctx, x)
	if !x.asked.Verify {
		// Judged only now, outside the measured time.
		c.report(x, secured)
	}
}
