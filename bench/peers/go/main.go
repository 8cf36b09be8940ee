// A flash sale's order endpoint with gin and redigo: one EVALSHA per order.
//
// Settings come from the environment: PEER_ADDRESS to listen on, PEER_REDIS_URL, PEER_PREFIX of the
// keys, PEER_API_KEY, and PEER_SCRIPT, the path of reserve.lua.
package main

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/gin-gonic/gin/binding"
	"github.com/gomodule/redigo/redis"
)

const (
	mostConnections = 256
	patience        = 2 * time.Second
	idle            = 75 * time.Second
	mostBytes       = 16 << 10
	longestKey      = 255
)

type line struct {
	SKU      string `json:"sku" binding:"required,max=64"`
	Quantity int    `json:"quantity" binding:"required,min=1"`
}

type order struct {
	Sale     string `json:"sale" binding:"required,max=64"`
	Customer string `json:"customer" binding:"required,max=128"`
	Lines    []line `json:"lines" binding:"required,min=1,max=20,dive"`
}

type accepted struct {
	ID     string `json:"id"`
	Status string `json:"status"`
}

type problem struct {
	Type string `json:"type"`
}

// shop decides over orders; its stock is in Redis.
type shop struct {
	pool   *redis.Pool
	script *redis.Script
	prefix string
}

func main() {
	source, err := os.ReadFile(os.Getenv("PEER_SCRIPT"))
	if err != nil {
		log.Fatal(err)
	}
	script := redis.NewScript(3, string(source))
	pool := newPool(os.Getenv("PEER_REDIS_URL"))
	sales := &shop{pool: pool, script: script, prefix: os.Getenv("PEER_PREFIX")}
	if err := sales.load(); err != nil {
		log.Fatal(err)
	}
	server := &http.Server{
		Addr:              os.Getenv("PEER_ADDRESS"),
		Handler:           sales.router(os.Getenv("PEER_API_KEY")),
		ReadHeaderTimeout: patience,
		IdleTimeout:       idle,
	}
	log.Fatal(server.ListenAndServe())
}

func newPool(url string) *redis.Pool {
	return &redis.Pool{
		MaxIdle:   mostConnections, // one that is busy again in a moment is not closed
		MaxActive: mostConnections,
		Wait:      true,
		Dial: func() (redis.Conn, error) {
			return redis.DialURL(
				url,
				redis.DialConnectTimeout(patience),
				redis.DialReadTimeout(patience),
				redis.DialWriteTimeout(patience),
			)
		},
	}
}

// load sends the script once; orders name it by its digest.
func (s *shop) load() error {
	connection := s.pool.Get()
	defer connection.Close()
	return s.script.Load(connection)
}

func (s *shop) router(apiKey string) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	router.Use(gin.Recovery())
	router.GET("/healthz", func(c *gin.Context) { c.Status(http.StatusOK) })
	router.POST("/api/v1/orders", authenticated(apiKey), s.place)
	return router
}

func authenticated(apiKey string) gin.HandlerFunc {
	expected := []byte("Bearer " + apiKey)
	return func(c *gin.Context) {
		if subtle.ConstantTimeCompare([]byte(c.GetHeader("Authorization")), expected) != 1 {
			c.AbortWithStatusJSON(http.StatusUnauthorized, problem{"unauthorized"})
		}
	}
}

func (s *shop) place(c *gin.Context) {
	key := c.GetHeader("Idempotency-Key")
	if key == "" || len(key) > longestKey {
		c.JSON(http.StatusBadRequest, problem{"idempotency-key-invalid"})
		return
	}
	wanted, body, err := read(c)
	if err != nil {
		c.JSON(http.StatusUnprocessableEntity, problem{"invalid-request"})
		return
	}
	id, err := s.reserve(key, wanted, body)
	answer(c, id, err)
}

// read returns the order, and its JSON as it came.
func read(c *gin.Context) (wanted order, body []byte, err error) {
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, mostBytes)
	if body, err = c.GetRawData(); err == nil {
		err = binding.JSON.BindBody(body, &wanted)
	}
	return wanted, body, err
}

func answer(c *gin.Context, id string, err error) {
	switch {
	case err == nil:
		c.JSON(http.StatusAccepted, accepted{ID: id, Status: "accepted"})
	case errors.Is(err, redis.ErrNil):
		c.JSON(http.StatusConflict, problem{"sold-out"})
	default:
		c.JSON(http.StatusServiceUnavailable, problem{"unavailable"})
	}
}

// reserve returns the id of the order that has the stock, redis.ErrNil where it is sold out, or
// what went wrong on the way to Redis.
func (s *shop) reserve(key string, wanted order, body []byte) (string, error) {
	id, err := newOrderID()
	if err != nil {
		return "", err
	}
	sale := s.prefix + ":{" + wanted.Sale + "}:"
	arguments := make([]interface{}, 0, 6+2*len(wanted.Lines))
	arguments = append(arguments, sale+"stock", sale+"requests", sale+"orders", key, id, body)
	for _, each := range wanted.Lines {
		arguments = append(arguments, each.SKU, each.Quantity)
	}
	connection := s.pool.Get()
	defer connection.Close()
	reply, err := redis.Values(s.script.Do(connection, arguments...))
	if err != nil {
		return "", err
	}
	return redis.String(reply[0], nil)
}

func newOrderID() (string, error) {
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		return "", err
	}
	return hex.EncodeToString(id[:]), nil
}
