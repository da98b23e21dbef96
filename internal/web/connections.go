package web

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// maxConnections are open at once; each costs a descriptor and up to a request's headers of memory.
const maxConnections = 512

// connections bounds how many there are. Where one more comes, the one that has waited longest for a request is closed, of
// the client that has most of them: so nobody can keep others out by opening many and saying nothing.
type connections struct {
	most int

	mu   sync.Mutex
	open map[net.Conn]*connection
}

// connection is one of a client's. A nil one is that of a request without a network.
type connection struct {
	conn   net.Conn
	client string
	all    *connections

	// Guarded by all.mu.
	since   time.Time // it was opened, or its last answer ended
	serving int       // requests that are being answered
}

type contextKey int

const (
	connectionKey contextKey = iota
	answerKey
)

func newConnections(most int) *connections {
	return &connections{most: most, open: make(map[net.Conn]*connection)}
}

// hold makes a server's connections known and bounded.
func (c *connections) hold(server *http.Server) {
	server.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, connectionKey, c.opened(conn))
	}
	server.ConnState = func(conn net.Conn, state http.ConnState) {
		if state == http.StateClosed || state == http.StateHijacked {
			c.mu.Lock()
			defer c.mu.Unlock()
			delete(c.open, conn)
		}
	}
}

func (c *connections) opened(conn net.Conn) *connection {
	one := &connection{conn: conn, client: clientOf(conn.RemoteAddr().String()), all: c, since: time.Now()}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open[conn] = one
	if len(c.open) > c.most {
		victim := c.idlest()
		delete(c.open, victim.conn)
		victim.close()
	}
	return one
}

// idlest is called with the lock held, and finds one always: the new one serves nothing.
func (c *connections) idlest() *connection {
	of := map[string]int{}
	for _, one := range c.open {
		of[one.client]++
	}
	var victim *connection
	for _, one := range c.open {
		switch {
		case one.serving > 0:
		case victim == nil, of[one.client] > of[victim.client],
			of[one.client] == of[victim.client] && one.since.Before(victim.since):
			victim = one
		}
	}
	return victim
}

// close breaks all of them off.
func (c *connections) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.open {
		one.close()
	}
}

// serve notes that a request is being answered, until the function it returns is called.
func (c *connection) serve() (ended func()) {
	if c == nil {
		return func() {}
	}
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	c.serving++
	return func() {
		c.all.mu.Lock()
		defer c.all.mu.Unlock()
		c.serving--
		c.since = time.Now()
	}
}

// close breaks it off; TLS would say goodbye, which a client that takes nothing can delay.
func (c *connection) close() {
	conn := c.conn
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	conn.Close()
}

// answer is one that is being written.
type answer struct {
	connection *connection
	writing    atomic.Int64 // when the write that is under way began, Unix nanoseconds; 0 for none
	evicted    atomic.Bool
}

func (a *answer) begin(now time.Time) { a.writing.Store(now.UnixNano()) }
func (a *answer) end()                { a.writing.Store(0) }

// still is for how long its client has taken nothing.
func (a *answer) still(now time.Time) time.Duration {
	began := a.writing.Load()
	if began == 0 {
		return 0
	}
	return now.Sub(time.Unix(0, began))
}

// evict ends it for the good of others.
func (a *answer) evict() {
	if a.evicted.CompareAndSwap(false, true) && a.connection != nil {
		a.connection.close()
	}
}

// answerOf is the answer of a request, or a new one.
func answerOf(ctx context.Context) *answer {
	if a, ok := ctx.Value(answerKey).(*answer); ok {
		return a
	}
	c, _ := ctx.Value(connectionKey).(*connection)
	return &answer{connection: c}
}

func withAnswer(ctx context.Context, a *answer) context.Context {
	return context.WithValue(ctx, answerKey, a)
}

// clientOf is who is behind an address: without its port, and of IPv6 the network that one customer has.
func clientOf(remote string) string {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return remote // a socket of another kind
	}
	address := at.Addr().Unmap().WithZone("")
	if address.Is4() || address.IsLinkLocalUnicast() {
		return address.String()
	}
	network, err := address.Prefix(64)
	if err != nil {
		return address.String()
	}
	return network.String()
}
