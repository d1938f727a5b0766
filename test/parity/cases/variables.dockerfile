#: case args and defaults
#: arg GIVEN=cli
#: arg NOT_DECLARED=x
FROM busybox
ARG GIVEN=default
ARG DEFAULTED=d
ARG BARE
ARG USED=${DEFAULTED}-x
RUN echo "$GIVEN $DEFAULTED $BARE $USED" > /args
ARG LATE=late
RUN echo $LATE >> /args
#: own words
#: case several in one arg
#: arg B=cli
FROM busybox
ARG A=1 B=2 C
RUN echo $A $B $C > /args
#: case env wins over arg
#: arg V=cli
FROM busybox
ARG V=arg
ENV V=env
RUN echo $V > /v
#: case arg after env of the same name
FROM busybox
ENV V=env
ARG V=arg
RUN echo $V > /v
ENV W=$V
#: case env from an arg
#: arg V=1.2
FROM busybox
ARG V
ENV VERSION=${V}
RUN echo $VERSION > /v
#: case global args in from and in stages
#: arg TAG=latest
ARG BASE=busybox
ARG TAG=nope
ARG COMBINED=${BASE}:${TAG}
FROM ${COMBINED}
ARG BASE
RUN echo "[$BASE] [$TAG]" > /globals
#: case global arg is not seen without arg
ARG G=global
FROM busybox
RUN echo "[$G]" > /g
#: case stage default beats the global one
ARG G=global
FROM busybox
ARG G=stage
RUN echo "[$G]" > /g
#: case platform args
FROM busybox
ARG TARGETPLATFORM
ARG TARGETARCH
ARG TARGETOS
ARG TARGETVARIANT
ARG BUILDPLATFORM
RUN echo "$TARGETPLATFORM $TARGETARCH $TARGETOS [$TARGETVARIANT] $BUILDPLATFORM" > /p
#: case platform args are not seen without arg
FROM busybox
RUN echo "[$TARGETPLATFORM]" > /p
#: case proxy args reach run only
#: arg HTTP_PROXY=http://proxy.example:1
#: arg no_proxy=localhost
FROM busybox
RUN echo "$HTTP_PROXY $no_proxy" > /proxy
#: case args are passed on to stages from stages
FROM busybox AS one
ARG A=1
ENV E=$A
FROM one
RUN echo "[$A] [$E]" > /out
#: case expansion modifiers
FROM busybox
ENV S=foobarfoo
ENV A=${S#f*o} B=${S##f*o} C=${S%f*o} D=${S%%f*o} E=${S/foo/X} F=${S//foo/X}
ENV G=${NOPE-unset} H=${NOPE:-empty} EMPTY= I=${EMPTY-unset} J=${EMPTY:-empty}
#: case error modifier
FROM busybox
ENV A=${NOPE:?is missing}
#: case error modifier that is satisfied
FROM busybox
ENV B=1
ENV A=${B:?is missing}
#: case wrong modifier
FROM busybox
ENV A=${B^upper}
#: case unterminated brace
FROM busybox
ENV A=${B
#: case variables in every place that has them
#: context tree
FROM busybox
ENV F=a.txt D=/dest U=daemon P=99 V=/vol S=SIGTERM L=lab
COPY --chown=$U ${F} $D/
ADD $F $D/added
EXPOSE $P
VOLUME $V
STOPSIGNAL $S
LABEL $L=$F
USER $U
WORKDIR $D
#: case variables do not expand in run cmd entrypoint
FROM busybox
ENV A=1
RUN ["echo", "$A"]
CMD ["$A"]
ENTRYPOINT echo $A
#: case single quotes in copy
#: context tree
FROM busybox
ENV N=name
COPY dollar\$name /dollar
#: case source date epoch shows in run
#: arg SOURCE_DATE_EPOCH=1700000000
FROM busybox
ARG SOURCE_DATE_EPOCH
RUN echo $SOURCE_DATE_EPOCH > /epoch
#: case target stage by name
#: target two
FROM busybox AS one
RUN echo 1 > /1
FROM busybox AS two
RUN echo 2 > /2
FROM busybox AS three
RUN false
#: case target missing
#: target nope
FROM busybox AS node
#: case target in another case
#: target ONE
FROM busybox AS one
RUN echo 1 > /1
FROM busybox
