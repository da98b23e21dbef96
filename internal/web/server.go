package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	toolkit "github.com/prometheus/exporter-toolkit/web"
	sloggokit "github.com/tjhop/slog-gokit"
	"go.yaml.in/yaml/v3"
)

// Server listens where the exporter-toolkit's flags say, with TLS and basic auth as its web configuration file says.
type Server struct {
	flags       *toolkit.FlagConfig
	listeners   []net.Listener
	server      *http.Server
	connections *connections
	logger      *slog.Logger
}

// Listen opens the listeners, so that a port that is taken is found before anything else is begun. The logger must not
// add a caller: this is where the toolkit's own is told, and net/http tells none.
func Listen(flags *toolkit.FlagConfig, handler http.Handler, logger log.Logger, least slog.Leveler) (*Server, error) {
	if err := toolkit.Validate(*flags.WebConfigFile); err != nil {
		return nil, fmt.Errorf("reading --web.config.file %s: %w", *flags.WebConfigFile, err)
	}
	s := &Server{
		flags:  flags,
		logger: slog.New(timeless{sloggokit.NewGoKitHandler(logger, least)}),
		server: newHTTPServer(handler, logger),
	}
	s.connections = newConnections(maxConnections)
	s.connections.hold(s.server)
	if flags.WebSystemdSocket != nil && *flags.WebSystemdSocket {
		return s, nil // the toolkit takes them over
	}
	for _, address := range *flags.WebListenAddresses {
		if strings.HasPrefix(address, "vsock://") {
			s.closeListeners()
			s.listeners = nil
			return s, nil // the toolkit opens them all
		}
		l, err := listen(address)
		if err != nil {
			s.closeListeners()
			return nil, err
		}
		s.listeners = append(s.listeners, l)
	}
	return s, nil
}

// listen says which flag is about an address that cannot be had.
func listen(address string) (net.Listener, error) {
	if _, _, err := net.SplitHostPort(address); err != nil {
		return nil, fmt.Errorf("--web.listen-address must be HOST:PORT or :PORT such as :9887, not %q", address)
	}
	l, err := net.Listen("tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("listening on %s: %w; end what listens there, or choose another --web.listen-address", address, err)
	case err != nil:
		return nil, fmt.Errorf("listening on %s (--web.listen-address): %w", address, err)
	}
	return l, nil
}

// NewHTTPServer returns a server whose clients cannot hold up one another: headers, bodies, connections and the time for all
// of them are bounded, and an answer lasts only as long as its client takes something of it.
func NewHTTPServer(handler http.Handler, logger log.Logger) *http.Server {
	server := newHTTPServer(handler, logger)
	newConnections(maxConnections).hold(server)
	return server
}

func newHTTPServer(handler http.Handler, logger log.Logger) *http.Server {
	return &http.Server{
		Handler:           &answers{handler: handler, logger: logger, progress: progressWithin, whole: answerWithin},
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      progressWithin, // of what is answered before our handler, such as a wrong password; that moves it on
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: 32,
			// A stream's deadline ends the stream, which takes a frame: not where nothing can be written to the connection.
			WriteByteTimeout: progressWithin,
			// Nothing is read of a body.
			MaxReceiveBufferPerConnection: 64 << 10,
			MaxReceiveBufferPerStream:     64 << 10,
			MaxReadFrameSize:              16 << 10,
		},
		ErrorLog: stdlog.New(NewLineLog(logger), "", 0),
	}
}

// Scheme is http, or https where the web configuration file asks for TLS, which the toolkit does not tell. It is for
// people to read: a file that cannot be read any more makes it http.
func (s *Server) Scheme() string {
	if text, err := os.ReadFile(*s.flags.WebConfigFile); err == nil {
		var c struct {
			TLS toolkit.TLSConfig `yaml:"tls_server_config"`
		}
		if err := yaml.Unmarshal(text, &c); err == nil && c.TLS.IsEnabled() {
			return "https"
		}
	}
	return "http"
}

// Addresses are those listened on.
func (s *Server) Addresses() []string {
	addresses := make([]string, len(s.listeners))
	for i, l := range s.listeners {
		addresses[i] = l.Addr().String()
	}
	return addresses
}

// Serve answers until Shutdown; then it returns nil.
func (s *Server) Serve() error {
	var err error
	if s.listeners == nil {
		err = toolkit.ListenAndServe(s.server, s.flags, s.logger)
	} else {
		err = toolkit.ServeMultiple(s.listeners, s.server, s.flags, s.logger)
	}
	if err == nil || errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serving HTTP: %w", err)
}

// Shutdown ends Serve, letting answers under way come to their end until ctx is done. Connections that are still open then
// are closed, and a warning logged: that a client sends half a request or no request at all is no failure of ours.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.server.Shutdown(ctx)
	s.closeListeners() // those that Serve never came to
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		s.logger.Warn("connections that clients kept open have been closed")
		s.connections.close() // one by one, TLS would say goodbye to each, and wait for who does not listen
		err = s.server.Close()
	}
	if err != nil {
		return fmt.Errorf("ending HTTP answers: %w", err)
	}
	return nil
}

// timeless leaves the time out of records: the logger adds its own, under the name that it has in all lines.
type timeless struct{ slog.Handler }

func (h timeless) Handle(ctx context.Context, r slog.Record) error {
	r.Time = time.Time{}
	return h.Handler.Handle(ctx, r)
}

func (h timeless) WithAttrs(attrs []slog.Attr) slog.Handler {
	return timeless{h.Handler.WithAttrs(attrs)}
}

func (h timeless) WithGroup(name string) slog.Handler { return timeless{h.Handler.WithGroup(name)} }

// NewLineLog returns what logs lines that are written to it, each in one Write, for who only knows the standard library's
// logger: net/http, which has no levels.
func NewLineLog(logger log.Logger) io.Writer { return lineLog{logger} }

type lineLog struct{ logger log.Logger }

func (l lineLog) Write(line []byte) (int, error) {
	text := strings.TrimSpace(string(line))
	lvl := level.Warn
	if strings.HasPrefix(text, "http: TLS handshake error") {
		lvl = level.Debug // a client's fault, and probes that only connect would cause one each time
	}
	return len(line), lvl(l.logger).Log("msg", text)
}

func (s *Server) closeListeners() {
	for _, l := range s.listeners {
		l.Close()
	}
}
