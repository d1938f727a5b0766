#: case archives are unpacked
#: context archives
FROM busybox
ADD plain.tar /plain/
ADD gz.tar.gz /gz
ADD bz2.tar.bz2 /bz2
ADD xz.tar.xz /xz
ADD zst.tar.zst /zst
ADD noext /noext
#: case archives are copied by copy
#: context archives
FROM busybox
COPY plain.tar /plain/
#: case what only looks like an archive
#: context archives
FROM busybox
ADD fake.tar /fake/
ADD text.gz /text/
ADD empty.tar /empty/
#: case an archive of zeros
#: context archives
FROM busybox
ADD zeros.tar /zeros/
#: case several archives
#: context archives
FROM busybox
ADD plain.tar flat.tar text.gz /x/
#: case archives with a wildcard
#: context archives
FROM busybox
ADD *.tar.* /x/
#: case absolute names in archives
#: context archives
FROM busybox
ADD absolute.tar /x/
#: case archive to the root
#: context archives
FROM scratch
ADD plain.tar /
#: case archive with owner and mode
#: context archives
FROM busybox
ADD --chown=1:2 plain.tar /owned/
ADD --chmod=700 plain.tar /moded/
#: case archive below a folder that is copied stays packed
#: context archives
FROM busybox
ADD . /x/
#: case archive over a folder, a file, a symlink
#: context archives
FROM busybox
RUN mkdir -p /x/top /y /z/real && echo > /y/in && ln -s real /z/in && echo old > /z/top
ADD plain.tar /x/
ADD plain.tar /y/
ADD plain.tar /z/
#: case archives in each other's way
#: context archives
FROM busybox
ADD plain.tar /x/
ADD crossed.tar /x/
ADD plain.tar /x/
#: case archive onto a file
#: context archives
FROM busybox
RUN echo > /x
ADD plain.tar /x
#: case archive from a symlinked name
#: context archives
FROM busybox
RUN mkdir /real && ln -s real /link
ADD flat.tar /link
ADD flat.tar /link/
#: case unpack flag
#: context archives
FROM busybox
ADD --unpack=false plain.tar /x/
ADD --unpack=true plain.tar /y/
#: case extended attributes of a context and of an archive
#: context attributes
FROM busybox
COPY in /copied
ADD x.tar /added/
#: case extended attributes from a stage
#: context attributes
FROM busybox AS one
ADD x.tar /
FROM busybox
COPY --from=one /in /in
#: case missing archive
#: context archives
FROM busybox
ADD nope.tar /x/
#: case archive with links to what is there
#: context archives
FROM busybox
ADD plain.tar /x/
ADD linking.tar /x/
ADD --chown=5:6 linking.tar /x/
#: case archive with links to what is not there
#: own words
#: context archives
FROM busybox
ADD linking.tar /x/
#: case checksum of a local file
#: own words
#: context tree
FROM busybox
ADD --checksum=sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824 a.txt /
