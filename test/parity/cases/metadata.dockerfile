#: case every config instruction
FROM busybox
MAINTAINER Some One <some@one.example>
LABEL a=1 b="two words" c='single' "d e"="f"
ENV ONE=1 TWO="2 two" THREE=three\ words
ENV OLD old form with words
EXPOSE 80 443/tcp 53/udp 8000-8002
VOLUME /data /more
VOLUME ["/json", "/json2"]
USER daemon
WORKDIR /work
STOPSIGNAL SIGUSR1
SHELL ["/bin/sh", "-ec"]
HEALTHCHECK --interval=10s --timeout=1m --start-period=2s --start-interval=500ms --retries=4 CMD echo ok
ENTRYPOINT ["/bin/echo", "entry"]
CMD ["a", "b c", "\"q\""]
ONBUILD RUN echo on
ONBUILD COPY . /on
#: case shell forms
FROM busybox
ENTRYPOINT echo $HOME "quoted"
CMD echo cmd && true
HEALTHCHECK CMD curl -f http://localhost || exit 1
#: case shell changes what shell forms become
FROM busybox
SHELL ["/bin/sh", "-xec"]
RUN echo with shell
CMD echo cmd
ENTRYPOINT echo entry
#: case entrypoint clears an inherited cmd
FROM busybox AS base
CMD ["inherited"]
FROM base
ENTRYPOINT ["/bin/true"]
#: case cmd of the own stage stays
FROM busybox
CMD ["own"]
ENTRYPOINT ["/bin/true"]
#: case healthcheck none
FROM busybox
HEALTHCHECK NONE
#: case healthcheck defaults
FROM busybox
HEALTHCHECK CMD ["true"]
#: case healthcheck retries that print as a character
FROM busybox
HEALTHCHECK --retries=39 CMD true
HEALTHCHECK --retries=92 CMD true
HEALTHCHECK --retries=200 CMD true
HEALTHCHECK --retries=10 CMD true
#: case stop signals
FROM busybox
STOPSIGNAL 9
STOPSIGNAL SIGRTMIN+3
STOPSIGNAL kill
#: case stop signal unknown
FROM busybox
STOPSIGNAL SIGNOPE
#: case labels from the command line win
#: label a=cli
#: label z=last
FROM busybox
LABEL a=file b=file
#: case label with newline and quotes
FROM busybox
LABEL multi="one \
two" quoted="say \"hi\"" empty=
#: case env sees the state before the instruction
FROM busybox
ENV A=one
ENV A=two B=$A
ENV C=${A:-none} D=${NOPE:-fallback} E=${A:+set} F=${NOPE:+set}
ENV G="$A $B" H='$A' I=\$A
ENV A=three
RUN env | grep -v HOSTNAME | sort > /env
#: case env empty and equals
FROM busybox
ENV EMPTY= EQ=a=b QUOTE="\"" SPACE=\ 
RUN env | grep -v HOSTNAME | sort > /env
#: case expose variables and ranges
FROM busybox
ENV P=8080 R=90-92/udp
EXPOSE $P ${R} 7000-7001:7000-7001
EXPOSE 22/sctp
#: case expose wrong protocol
FROM busybox
EXPOSE 80/what
#: case user forms
FROM busybox
USER 1000
USER 1000:2000
USER nobody:nogroup
USER $NOTHING
#: case user and group that exist nowhere
FROM busybox
USER 4321:8765
RUN id > /tmp/id; touch /tmp/mine
#: case user by name that is missing
FROM busybox
USER missing
RUN true
#: case volume keeps what later steps write
FROM busybox
RUN mkdir /v && echo 1 > /v/before
VOLUME /v
RUN echo 2 > /v/after
#: case volume empty string
FROM busybox
VOLUME [""]
#: case workdir forms
FROM busybox
WORKDIR /a/
WORKDIR b
WORKDIR ./c/
WORKDIR ..
WORKDIR /x/./y/../z/.
WORKDIR .
WORKDIR /
WORKDIR rel
#: case workdir of variables and empty
FROM busybox
ENV D=/var/lib
WORKDIR $D/thing
WORKDIR ${D}/${NOPE}
WORKDIR $NOPE
#: case workdir through symlinks
FROM busybox
RUN mkdir -p /real && ln -s real /link && ln -s /real/sub /dang
WORKDIR /link/made
WORKDIR /dang/below
#: case workdir with a user
FROM busybox
USER daemon
WORKDIR /own/by/daemon
USER 7:8
WORKDIR /own/by/number
USER root
WORKDIR /own/by/root
#: case workdir on a file
FROM busybox
RUN echo > /file
WORKDIR /file
#: case workdir already there
FROM busybox
WORKDIR /tmp
#: case workdir in scratch with users
FROM scratch
USER root
WORKDIR /r
USER 5
WORKDIR /five
#: case workdir in scratch with an unknown user
#: own words
FROM scratch
USER someone
WORKDIR /r
#: case workdir in busybox with an unknown user
FROM busybox
USER someone
WORKDIR /r
#: case scratch with metadata only
FROM scratch
ENV A=b
CMD ["/x"]
#: case scratch alone
FROM scratch
#: case busybox alone
FROM busybox
#: case maintainer only
FROM busybox
MAINTAINER   spaces   inside  
#: case onbuild triggers
#: image parity-onbuild:1
#: context tree
FROM busybox
ONBUILD ENV FROM_TRIGGER=1
ONBUILD COPY a.txt /triggered/
ONBUILD RUN echo $FROM_TRIGGER > /ran
ONBUILD LABEL l=trigger
#: then
#: context tree
FROM parity-onbuild:1
LABEL own=yes
#: case onbuild chained is refused
FROM busybox
ONBUILD ONBUILD RUN true
#: case onbuild from is refused
FROM busybox
ONBUILD FROM busybox
#: case instruction in lower case
from busybox
env a=b
run echo $a > /a
cmd echo hi
#: case unknown instruction
FROM busybox
FOO bar
#: case no from
RUN true
#: case empty after comments
# nothing
#: own words
#: case exec form that is no json
FROM busybox
CMD ['single', 'quotes']
ENTRYPOINT [ "a", ]
#: case json escapes
FROM busybox
CMD ["\u0041", "tab\t", "back\\slash", "ümlaut"]
#: case escape directive
# escape=`
FROM busybox
ENV A=C:\dir`
 B=2
RUN echo one `
  two > /out
