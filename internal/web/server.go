package web

import (
	"context"
	"errors"
	"fmt"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/go-kit/log"
	toolkit "github.com/prometheus/exporter-toolkit/web"
	sloggokit "github.com/tjhop/slog-gokit"
)

// Server listens where the exporter-toolkit's flags say, with TLS and basic auth as its web configuration file says.
type Server struct {
	flags     *toolkit.FlagConfig
	listeners []net.Listener
	server    *http.Server
	logger    *slog.Logger
}

// Listen opens the listeners, so that a port that is taken is found before anything else is begun. The logger must not
// add a time of its own: the toolkit does.
func Listen(flags *toolkit.FlagConfig, handler http.Handler, logger log.Logger, level slog.Leveler) (*Server, error) {
	if err := toolkit.Validate(*flags.WebConfigFile); err != nil {
		return nil, fmt.Errorf("reading --web.config.file %s: %w", *flags.WebConfigFile, err)
	}
	s := &Server{
		flags:  flags,
		logger: slog.New(sloggokit.NewGoKitHandler(logger, level)),
		server: &http.Server{
			Handler:           handler,
			ReadHeaderTimeout: 10 * time.Second,
			ReadTimeout:       30 * time.Second,
			WriteTimeout:      2 * time.Minute, // not promhttp's Timeout, which would hold the whole answer in memory
			IdleTimeout:       2 * time.Minute,
			MaxHeaderBytes:    64 << 10,
			// Handshake and protocol errors of clients; net/http knows no levels.
			ErrorLog: stdlog.New(log.NewStdlibAdapter(logger), "", 0),
		},
	}
	if flags.WebSystemdSocket != nil && *flags.WebSystemdSocket {
		return s, nil // the toolkit takes them over
	}
	for _, address := range *flags.WebListenAddresses {
		l, err := net.Listen("tcp", address)
		if err != nil {
			s.closeListeners()
			return nil, fmt.Errorf("listening on %s: %w", address, err)
		}
		s.listeners = append(s.listeners, l)
	}
	return s, nil
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

// Shutdown ends Serve, letting answers under way come to their end until ctx is done.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.server.Shutdown(ctx)
	s.closeListeners() // those that Serve never came to
	if err != nil {
		s.server.Close()
		return fmt.Errorf("ending HTTP answers: %w", err)
	}
	return nil
}

func (s *Server) closeListeners() {
	for _, l := range s.listeners {
		l.Close()
	}
}
